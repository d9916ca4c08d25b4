/** One process of a group. */
import { setTimeout as sleep } from 'node:timers/promises'

export function planned<Plan>(): Plan {
  return JSON.parse(process.argv[2] as string) as Plan
}

/**
 * Says that all is ready, begins when all others do, and says what came of it. The process ends
 * when whoever started it lets go of it.
 *
 * @param work is given when it began, in ns of the clock that all processes share
 */
export async function whenAllAreReady<Result>(
  work: (begin: bigint) => Promise<Result>,
): Promise<void> {
  process.once('disconnect', () => process.exit())
  process.once('message', async (word) => {
    const begin = BigInt(word as string)
    const left = Number(begin - process.hrtime.bigint()) / 1e6
    if (left > 0) await sleep(left)
    process.send?.(await work(begin))
  })
  process.send?.('ready')
}
