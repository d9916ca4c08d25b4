/** One process of a group. */
import { setTimeout as sleep } from 'node:timers/promises'
import { onLines, say } from 'portslice-test/support/script'

/**
 * Says that all is ready, works when all others do, and says the result. The process ends with its parent.
 *
 * @param work is given when it began, in ns of the clock that all processes share
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
