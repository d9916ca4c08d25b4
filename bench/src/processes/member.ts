import { setTimeout as sleep } from 'node:timers/promises'

export function planned<Plan>(): Plan {
  return JSON.parse(process.argv[2] as string) as Plan
}

/**
 * Reports that this process is ready, starts the work together with the other processes, and
 * sends the result. The process ends when its parent disconnects.
 *
 * @param work gets the start time, in ns of the system-wide monotonic clock
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
