/** One task at a time, first come, first served. */
export class Queue {
  #last: Promise<void> = Promise.resolve()

  /**
   * Runs `task` when all that came before have ended.
   *
   * @throws the signal's reason when it is aborted while waiting; the task does not run then
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last
    const { promise, resolve } = withResolvers()
    this.#last = promise
    try {
      await (signal ? untilAborted(before, signal) : before)
      return await task()
    } finally {
      // Who gave up early must not let the next one pass before those who did not.
      if (signal) void before.then(resolve)
      else resolve()
    }
  }
}

/** Waits for a promise, but no longer than the signal allows. */
export async function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise
  throwIfAborted(signal)
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** As `signal.throwIfAborted()`, which the AbortSignal of a jsdom window may lack. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
