import { setTimeout as sleep } from 'node:timers/promises'
import { onLines, say } from 'portslice-test/support/script'

/**
 * Reports that this process is ready, starts the work together with the other processes, and
 * sends the result. The process ends with its parent.
 *
 * @param work gets the start time, in ns of the system-wide monotonic clock
 */
export function whenAllAreReady<Result>(work: (begin: bigint) => Promise<Result>): void {
  onLines(async (line) => {
    const begin = BigInt(line)
    const left = Number(begin - process.hrtime.bigint()) / 1e6
    if (left > 0) await sleep(left)
    say((await work(begin)) ?? null)
  })
  say('ready')
}
