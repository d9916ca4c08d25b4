import { type Deadline, sleep } from '../platform/clock.js'
import { throwIfAborted, untilAborted } from './abort.js'

export function* growingDelays(first: number, last: number): Generator<number, never> {
  for (let delay = first; ; delay = Math.min(delay * 2, last)) yield delay
}

export interface PollOptions {
  /** In ms. */
  delays: Iterable<number>
  /** There is one last check after the deadline. Required if `delays` is infinite. */
  deadline?: Deadline
  signal?: AbortSignal | undefined
}

/** Calls `check` until it returns a result; `undefined` at the deadline, or after the last delay. */
export async function poll<T>(
  check: () => T | undefined | Promise<T | undefined>,
  { delays, deadline, signal }: PollOptions,
): Promise<T | undefined> {
  for (const delay of delays) {
    throwIfAborted(signal)
    const result = await check()
    if (result !== undefined) return result
    if (deadline?.expired) return undefined
    await untilAborted(sleep(delay), signal)
  }
  throwIfAborted(signal)
  return check()
}
