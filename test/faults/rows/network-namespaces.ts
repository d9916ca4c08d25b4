import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listSlices } from '@portslice/core'
import { type Interval, overlaps, readIntervals } from '../../support/intervals.ts'
import { NetworkNamespace } from '../../support/namespaces.ts'
import type { TestProcess } from '../../support/process.ts'
import { type Fault, type FaultContext, type Outcome, stoppedBy, type Tried } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Holding, Plan as HoldPlan } from '../processes/hold-slice.ts'
import type { Plan } from '../processes/lease-repeatedly.ts'
import type { Obtained } from '../processes/lease-when-available.ts'

/** In namespaces of their own all ports are free. */
const FIRST = 20_000
const sliceAt = (index: number) => [FIRST + index * 32, FIRST + index * 32 + 31] as const

type Part = (context: FaultContext, networks: readonly NetworkNamespace[]) => Promise<Tried>

/** Longer than a lock needs to go stale if its holder cannot be asked. */
const PAUSE_MS = { short: 13_000, long: 30_000 }
/** Waiting for its lock to go stale would take 10 s. */
const REPLACEMENT_LIMIT_MS = 7000

/** Processes of all namespaces compete for one slice. Some are killed, so that the others find a dead holder's lock at the same time. */
const taken: Part = async ({ short, folder }, networks) => {
  const lockDirectory = path.join(folder, 'locks')
  const notes = path.join(folder, 'intervals.ndjson')
  writeFileSync(notes, '')
  mkdirSync(lockDirectory, { mode: 0o700 })
  await using group = new FaultProcesses(folder)
  const options = { range: sliceAt(0), lockDirectory, waitTimeout: 0 }
  const plan: Plan = { options, notes, keep: 10 }
  const start = async (index: number): Promise<TestProcess> => {
    const network = networks[index % networks.length] as NetworkNamespace
    const member = group.start('lease-repeatedly', plan, { by: network.by })
    await member.hear()
    return member
  }
  const members = await Promise.all([0, 1, 2].map(start))
  const end = performance.now() + (short ? 8000 : 90_000)
  let times = 0
  for (; performance.now() < end; times++) {
    await sleep(Math.random() * 1000)
    const index = times % members.length
    const member = members[index] as TestProcess
    member.kill()
    await member.ended
    members[index] = await start(index)
  }
  for (const member of members) member.tell('end')
  await Promise.all(members.map((member) => member.untilEnded()))
  const intervals = endedWithTheirHolders(readIntervals(notes), group)
  const clashes = overlaps(intervals)
  return {
    times,
    observed: `${clashes.length || 'no'} overlaps in ${intervals.length} turns of ${networks.length} namespaces at one slice`,
    broken: [
      ...clashes
        .slice(0, 10)
        .map(([one, other]) => `Two held a slice at once: ${one.holder} and ${other.holder}.`),
      ...group.complaints,
    ],
  }
}

function endedWithTheirHolders(intervals: readonly Interval[], group: FaultProcesses): Interval[] {
  const killedAt = new Map(group.members.map((member) => [member.pid, member.killedAt]))
  return intervals.map((interval) => {
    const at = killedAt.get(Number.parseInt(interval.holder, 10))
    return interval.to === undefined && at ? { ...interval, to: at } : interval
  })
}

/**
 * A holder in another namespace that is stopped, or blocked right after its take, keeps its slice,
 * and is listed as its holder. When it is killed, the next process gets the slice at once.
 */
const keptUntilDead =
  (how: 'stopped' | 'blocked', index: number): Part =>
  async ({ short, folder }, [here, there]) => {
    await using group = new FaultProcesses(folder)
    const lockDirectory = path.join(folder, 'locks')
    const options = { range: sliceAt(index), lockDirectory }
    const during = PAUSE_MS[short ? 'short' : 'long']
    const plan: HoldPlan = { options, block: during * 2 }
    const holder = group.start('hold-slice', plan, { by: (here as NetworkNamespace).by })
    const { first } = await holder.hear<Holding>()
    if (how === 'stopped') holder.signal('SIGSTOP')
    else holder.tell('block')
    const waiting = group.start(
      'lease-when-available',
      { ...options, waitTimeout: 300 },
      { by: (there as NetworkNamespace).by },
    )
    await sleep(during)
    const seen = (await listSlices({ lockDirectory })).find((slice) => slice.first === first)
    const start = performance.now()
    holder.kill()
    const { refused } = await waiting.hear<Obtained>(40_000)
    const took = performance.now() - start
    await waiting.untilEnded()
    const wasSeen = seen?.state === 'held' && seen.holder?.pid === holder.pid
    return {
      times: 1,
      observed: `a holder elsewhere that was ${how} for ${during / 1000} s kept its slice, and was replaced ${(took / 1000).toFixed(1)} s after it was killed`,
      broken: [
        ...(took > REPLACEMENT_LIMIT_MS
          ? [`A dead holder elsewhere held its slice ${took} ms.`]
          : []),
        ...(refused === 0 ? [`A slice was leased while its holder was ${how}.`] : []),
        ...(wasSeen ? [] : [`A ${how} holder elsewhere was listed as ${JSON.stringify(seen)}.`]),
        ...group.complaints,
      ],
    }
  }

/** A holder whose lock was removed while it was blocked ends, and keeps the lock of the next holder. */
const notItsOwn: Part = async ({ folder }, [here, there]) => {
  await using group = new FaultProcesses(folder)
  const lockDirectory = path.join(folder, 'locks')
  const options = { range: sliceAt(2), lockDirectory }
  const lock = path.join(lockDirectory, `slice-${sliceAt(2)[0]}.lock`)
  const blocked = group.start('hold-slice', { options, block: 4000 } satisfies HoldPlan, {
    by: (here as NetworkNamespace).by,
  })
  await blocked.hear()
  blocked.tell('block and exit')
  await sleep(500)
  // Its socket must be removed too: while the socket answers, the slice counts as held without a lock.
  rmSync(lock, { recursive: true })
  rmSync(lock.replace(/lock$/, 'sock'))
  const next = group.start(
    'hold-slice',
    { options: { ...options, waitTimeout: 3000 } } satisfies HoldPlan,
    { by: (there as NetworkNamespace).by },
  )
  await next.hear()
  await blocked.untilEnded()
  const isLocked = existsSync(lock)
  next.tell('end')
  await next.untilEnded()
  return {
    times: 1,
    observed: `one that had lost its lock while it was blocked ${isLocked ? 'left it to' : 'took it from'} the new holder when it ended`,
    broken: [
      ...(isLocked ? [] : ['A process that ended removed the lock of the new holder elsewhere.']),
      ...group.complaints,
    ],
  }
}

export const networkNamespaces: Fault = {
  fault: 'network namespaces share one lock directory',
  provoked:
    'holders in three namespaces want the same slices and are killed at random; others are stopped or blocked for longer than a lock stays fresh, and then killed; the lock of a blocked one is removed by hand',
  must: 'no slice is held in two namespaces at once; a holder elsewhere keeps its slice as long as it lives, and is replaced at once when it is dead',
  async run(context): Promise<Outcome> {
    const made = [
      await NetworkNamespace.make(),
      await NetworkNamespace.make(),
      await NetworkNamespace.make(),
    ]
    const networks = made.filter((network) => typeof network !== 'string')
    await using stack = new AsyncDisposableStack()
    for (const network of networks) stack.use(network)
    const reason = made.find((network) => typeof network === 'string')
    if (reason) return { skipped: reason }
    const tried = await Promise.all(
      [taken, keptUntilDead('stopped', 1), keptUntilDead('blocked', 3), notItsOwn].map(
        (part, i) => {
          const folder = path.join(context.folder, `${i}`)
          mkdirSync(folder)
          return part({ ...context, folder }, networks).catch(stoppedBy)
        },
      ),
    )
    return {
      times: tried.reduce((sum, { times }) => sum + times, 0),
      observed: tried.map(({ observed }) => observed).join('; '),
      broken: tried.flatMap(({ broken }) => broken),
    }
  },
}

/** One part that fails does not end the others, whose processes would be left behind. */
