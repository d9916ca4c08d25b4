import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { AllocatorOptions } from '@portslice/core'
import { ownSlices } from '../../support/own-slices.ts'
import type { ProcessOptions } from '../../support/process.ts'
import type { Fault } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import { StressTest } from '../stress-test.ts'
import { chownTo, letOthersEnter, OTHER_USERS, whyNoOtherUsers } from '../unprivileged-users.ts'

export const otherUsers: Fault = {
  fault: "another user's processes, another lock directory, another TMPDIR",
  provoked:
    'processes that know nothing about each other except the range lease, take and release in it at once',
  must: 'no overlap',
  async run({ short, folder }) {
    const whyAlone = whyNoOtherUsers()
    letOthersEnter(folder)
    const ownFolder = (name: string, uid?: number) => {
      const own = path.join(folder, name)
      mkdirSync(own, { mode: 0o700 })
      if (uid !== undefined) chownTo(uid, own)
      return own
    }
    const competitors: { options: AllocatorOptions; start: ProcessOptions }[] = [
      { options: { lockDirectory: path.join(ownFolder('one'), 'locks') }, start: {} },
      { options: { lockDirectory: path.join(ownFolder('two'), 'locks') }, start: {} },
      { options: {}, start: { env: { TMPDIR: ownFolder('temporary') } } },
      ...(whyAlone ? [] : OTHER_USERS).flatMap((uid) => [
        {
          options: { lockDirectory: path.join(ownFolder(`locks-of-${uid}`, uid), 'locks') },
          start: { uid },
        },
        { options: {}, start: { uid, env: { TMPDIR: ownFolder(`temporary-of-${uid}`, uid) } } },
      ]),
    ]
    // Sometimes too few, so that they compete; but one of them can always continue: each has one
    // slice, and wants two more at once.
    await using slices = await ownSlices(competitors.length * 2 + 1)
    await using group = new FaultProcesses(folder)
    const stress = new StressTest(group, folder, { during: short ? 2500 : 60_000 })
    await Promise.all(
      competitors.map(({ options, start }) =>
        // The same worker id: all want the same slices first.
        stress.join({ range: slices.range, workerId: 1, ...options }, start),
      ),
    )
    const { handOuts, warnings, broken } = await stress.end()
    const users = new Set(competitors.map(({ start }) => start.uid)).size
    return {
      times: handOuts,
      observed: `${broken.length === 0 ? 'no overlap' : 'trouble'} in ${handOuts} hand-outs to ${competitors.length} processes of ${users} users${whyAlone ? ` (${whyAlone})` : ''}`,
      broken: [
        ...new Set([...broken, ...group.complaints]),
        ...(warnings > 0 ? [`${warnings} processes warned without a reason.`] : []),
      ],
    }
  },
}
