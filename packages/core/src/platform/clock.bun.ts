/**
 * The fake timers of `bun:test` stop every timer, socket time-out and clock of the process,
 * `process.uptime()` and `Date` included. A wait for a value in shared memory still ends in time, and the
 * uptime of the kernel continues.
 */
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** `waitAsync` is part of ECMAScript 2024; Node 20 has it. */
interface WithWaitAsync extends Atomics {
  waitAsync(
    cells: Int32Array,
    index: number,
    value: number,
    timeout: number,
  ): { value: string | Promise<string> }
}

/** Does not keep the process alive, so `unref()` has no effect. */
export class SharedMemoryTimer {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4))

  constructor(callback: () => void, ms = 0) {
    const { value } = (Atomics as WithWaitAsync).waitAsync(this.#cell, 0, 0, Math.max(1, ms))
    void Promise.resolve(value).then((result) => {
      if (result === 'timed-out') callback()
    })
  }

  unref(): this {
    return this
  }

  clear(): void {
    Atomics.notify(this.#cell, 0)
  }
}

export function areTimersFaked(): boolean {
  return Boolean((globalThis.setTimeout as { clock?: unknown }).clock)
}

export function uptimeOfSystem(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'latin1'))
  } catch {
    return os.uptime()
  }
}
