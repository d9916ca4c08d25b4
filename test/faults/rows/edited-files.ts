import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AllocatorProcess } from '../../support/allocator-process.ts'
import { overlaps } from '../../support/intervals.ts'
import { ownSlices } from '../../support/own-slices.ts'
import { CORRUPTIONS, corrupt } from '../corruptions.ts'
import type { Fault } from '../fault.ts'
import { startAllocators } from '../fault-processes.ts'

/** Fewer than the processes, so that they always compete. */
const SLICES = 3
const PROCESSES = 4
/** A lock of unclear origin takes 10 s. */
const SLICE_RETURN_TIMEOUT_MS = 40_000
/** The journal of a slice that these processes do not hold. */
const FOREIGN_JOURNAL =
  '{"v":1,"event":"lease","pid":1,"host":"h","runner":"r","workerId":1,"cwd":"/","command":"c","at":"2026-01-01T00:00:00Z"}\n'

/** Gives slices back whose locks and journals are damaged. */
async function leaveDamaged(
  holder: AllocatorProcess,
  options: { range: readonly [number, number]; lockDirectory: string; waitTimeout: number },
): Promise<void> {
  const { slices } = await holder.open(options, { count: SLICES })
  const kinds = [
    'the lock becomes a file',
    'the lock becomes a symbolic link',
    'something is put into the lock',
  ]
  for (const [index, slice] of slices.entries()) {
    for (const kind of [kinds[index] as string, 'the journal becomes that of another host']) {
      corrupt(options.lockDirectory, slice, CORRUPTIONS[kind] as (typeof CORRUPTIONS)[string])
    }
  }
  await holder.command({ do: 'close' })
}

export const filesEdited: Fault = {
  fault: 'the journal or the lock of a live holder is edited, removed or replaced by hand',
  provoked: `${Object.keys(CORRUPTIONS).length} kinds of damage to random slices, many times a second, while ${PROCESSES + 1} processes share ${SLICES} slices`,
  must: 'no overlap, no process fails, and the slices come back',
  async run({ short, folder }) {
    const rounds = short ? 100 : 2500
    await using slices = await ownSlices(SLICES)
    await using stack = new AsyncDisposableStack()
    const lockDirectory = path.join(folder, 'locks')
    const options = { range: slices.range, lockDirectory, waitTimeout: 1000 }
    const patient = { ...options, waitTimeout: SLICE_RETURN_TIMEOUT_MS }
    const workers = (await startAllocators(PROCESSES + 1, folder)).map((one) => stack.use(one))
    const [holder, ...others] = workers as [AllocatorProcess, ...AllocatorProcess[]]
    await holder.open(options)
    await holder.take(5)
    writeFileSync(path.join(lockDirectory, 'foreign.ndjson'), FOREIGN_JOURNAL)
    await Promise.all(others.map((one) => one.command({ do: 'churn', options })))

    const kinds = Object.values(CORRUPTIONS)
    let done = 0
    for (let round = 0; round < rounds; round++) {
      const slice = slices.range[0] + 32 * Math.floor(Math.random() * SLICES)
      const kind = kinds[Math.floor(Math.random() * kinds.length)] as (typeof kinds)[number]
      if (corrupt(lockDirectory, slice, kind)) done++
      await sleep(Math.random() * 30)
    }

    const broken: string[] = []
    const churned = await Promise.all(
      others.map((one) =>
        one.command({ do: 'stop churning' }).catch((error: Error) => {
          broken.push(`A process failed: ${error.message}`)
          return { handOuts: 0 }
        }),
      ),
    )
    const handOuts = churned.reduce((sum, one) => sum + one.handOuts, 0)
    // The first holder must still have its ports.
    await holder.command({ do: 'serve' })
    await holder.command({ do: 'close' })
    const shared = overlaps(workers.flatMap((one) => one.intervals()))
    const damage = short ? undefined : leaveDamaged(holder, patient)
    const back = await Promise.resolve(damage)
      .then(() => holder.open(patient, { count: SLICES }))
      .catch((error) => void broken.push(`Not all slices came back: ${error.message}`))
    return {
      times: done,
      observed: `${shared.length || 'no'} overlaps in ${handOuts} hand-outs; ${back ? `all slices were leased again within ${back.took.toFixed(0)} ms` : 'not all slices came back'}`,
      broken: [
        ...broken,
        ...shared.slice(0, 5).map(([a, b]) => `Port ${a.port}: ${a.holder} and ${b.holder}.`),
        ...(handOuts > 0 ? [] : ['No port was handed out at all.']),
      ],
    }
  },
}
