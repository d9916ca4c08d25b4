import { setTimeout as sleep } from 'node:timers/promises'
import { ownSlices } from '../../support/own-slices.ts'
import { ContentionTest } from '../contention-test.ts'
import type { Fault, Tried } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'

/** Longer than the 10 s after which locks go stale. */
const STOPPED_MS = { short: 11_500, long: 30_000 }
const BLOCKED_MS = { short: 11_000, long: 15_000 }

export const stopped: Fault = {
  fault: 'a holder is stopped for 30 s, or its event loop is blocked for 15 s',
  provoked:
    'SIGSTOP and SIGCONT, or a synchronous wait, while others with the same and with another lock directory want its only slice',
  must: 'the holder keeps its slice and its ports, and carries on without an error or a warning',
  async run({ short, folder }) {
    const each = short ? 1 : 3
    const form = short ? 'short' : 'long'
    await using slices = await ownSlices(each * 2)
    await using group = new FaultProcesses(folder)
    const ranges = Array.from({ length: slices.count }, (_, index) => {
      const first = slices.range[0] + index * 32
      return [first, first + 31] as const
    })
    const contentionTests = ranges.map(async (range, index) => {
      const contention = await ContentionTest.start(group, folder, range, BLOCKED_MS[form])
      if (index < each) {
        contention.holder.signal('SIGSTOP')
        await sleep(STOPPED_MS[form])
        contention.holder.signal('SIGCONT')
      } else {
        contention.holder.tell('block')
        await sleep(BLOCKED_MS[form])
      }
      return contention.finish()
    })
    return outcomeOf(await Promise.all(contentionTests), group)
  },
}

/** The results of contention tests, for the table. */
export function outcomeOf(
  results: readonly { refused: number; broken: string[] }[],
  group: FaultProcesses,
): Tried {
  const refused = results.reduce((sum, result) => sum + result.refused, 0)
  const unscathed = results.filter(({ broken }) => broken.length === 0).length
  return {
    times: results.length,
    observed: `${unscathed} of ${results.length} holders kept their slice and carried on; others asked for it ${refused} times without success, and got it once it was given back`,
    broken: [
      ...results.flatMap(({ broken }) => broken),
      ...(refused === 0 ? ['No other process wanted the slices: nothing was tried.'] : []),
      ...group.complaints,
    ],
  }
}
