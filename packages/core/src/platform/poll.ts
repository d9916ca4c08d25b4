/** Looking again and again until something is so: the one loop for it, and its delays. */
import { throwIfAborted, untilAborted } from './abort.js'
import { type Deadline, sleep } from './clock.js'

/** The delay before each further look, in ms. */
export type Delays = Iterable<number>

/** For what changes soon or not for long: from `first` to `last` ms, doubling. */
export function* growingDelays(first: number, last: number): Generator<number, never> {
  for (let delay = first; ; delay = Math.min(delay * 2, last)) yield delay
}

export interface PollOptions {
  delays: Delays
  /** Ends the polling, after one more look. Without it, `delays` ends. */
  deadline?: Deadline
  signal?: AbortSignal | undefined
}

/**
 * Looks until there is a result.
 *
 * @param look gives `undefined` as long as there is none
 * @returns what was found; `undefined` at the deadline, or when the delays end
 * @throws what `look` throws; the signal's reason when aborted
 */
export async function poll<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { delays, deadline, signal }: PollOptions,
): Promise<T | undefined> {
  for (const delay of delays) {
    throwIfAborted(signal)
    const found = await look()
    if (found !== undefined) return found
    if (deadline?.expired) return undefined
    await untilAborted(sleep(delay), signal)
  }
  throwIfAborted(signal)
  return look()
}
