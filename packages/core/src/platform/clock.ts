/**
 * The real clock and timers, taken at import. With the fake ones of a test, a lock would never be refreshed, or
 * would be dated 2099. Bundled libraries get the real ones, too.
 */
import net from 'node:net'
import timers from 'node:timers'
import { areTimersFaked, SharedMemoryTimer, uptimeOfSystem } from './clock.bun.js'
import { runtime } from './runtime.js'

const IS_BUN = runtime().name === 'bun'
const IS_DENO = runtime().name === 'deno'

type Timers = Pick<typeof timers, 'setTimeout' | 'clearTimeout'>

const NODE_SET_TIMEOUT = /^function setTimeout\(callback/
const NODE_SET_IMMEDIATE = /^function setImmediate\(callback/

/** `@sinonjs/fake-timers` keeps the originals on its clock; `mock.timers` of `node:test` does not. */
function realTimers(): Timers {
  if (IS_BUN) return timersOfBun()
  const { setTimeout, clearTimeout } = timers
  const { clock } = setTimeout as { clock?: Record<string, unknown> }
  if (clock?._setTimeout) {
    return {
      setTimeout: clock._setTimeout as typeof setTimeout,
      clearTimeout: clock._clearTimeout as typeof clearTimeout,
    }
  }
  if (isOriginal(setTimeout, NODE_SET_TIMEOUT)) return { setTimeout, clearTimeout }
  return {
    setTimeout: (callback: () => void, ms?: number) => new SocketTimer(callback, ms),
    clearTimeout: (timer: SocketTimer | undefined) => timer?.clear(),
  } as unknown as Timers
}

function realImmediate(): (callback: () => void) => unknown {
  const { setImmediate } = timers
  const { clock } = setImmediate as { clock?: Record<string, unknown> }
  const real = clock?._setImmediate as typeof setImmediate | undefined
  if (real) return real
  if (isOriginal(setImmediate, NODE_SET_IMMEDIATE)) return setImmediate
  return (callback) => setTimeout(callback, 0)
}

/** Deno's own source is minified, and a {@link SocketTimer} does not keep a test of `deno test` running. */
function isOriginal(timer: unknown, source: RegExp): boolean {
  return IS_DENO || source.test(Function.prototype.toString.call(timer))
}

/** The timer of a socket does not keep the process alive, so a message port does until `unref()`. */
class SocketTimer {
  readonly #socket = new net.Socket()
  readonly #keepAlive = new (process.getBuiltinModule('node:worker_threads').MessageChannel)().port1

  constructor(callback: () => void, ms = 0) {
    this.#keepAlive.ref()
    this.#socket.setTimeout(Math.max(1, ms), () => {
      this.clear()
      callback()
    })
  }

  unref(): this {
    this.#keepAlive.unref()
    return this
  }

  clear(): void {
    this.#socket.destroy()
    this.#keepAlive.close()
  }
}

/** Timers in shared memory while `bun:test` has replaced the real ones. */
function timersOfBun(): Timers {
  const { setTimeout, clearTimeout } = timers
  return {
    setTimeout: (callback: () => void, ms?: number) =>
      areTimersFaked() ? new SharedMemoryTimer(callback, ms) : setTimeout(callback, ms),
    clearTimeout: (timer: SharedMemoryTimer | NodeJS.Timeout | undefined) =>
      timer instanceof SharedMemoryTimer ? timer.clear() : clearTimeout(timer),
  } as unknown as Timers
}

/** A proxy around a fake also claims to be native code, but has no name. */
function isNativeDate(constructor: unknown): boolean {
  return /^function Date\(\) \{\s*\[native code\]\s*\}$/.test(
    Function.prototype.toString.call(constructor),
  )
}

/** A fake extends the Date that it replaces, so the real one is in its prototype chain. */
function nativeDate(): DateConstructor {
  let candidate: unknown = globalThis.Date
  while (typeof candidate === 'function' && !isNativeDate(candidate)) {
    candidate = Object.getPrototypeOf(candidate)
  }
  return typeof candidate === 'function'
    ? (candidate as DateConstructor)
    : (process.getBuiltinModule('node:vm').runInNewContext('Date') as DateConstructor)
}

/** Counts from the boot on Node. A fake one has a `clock`, which keeps the original. */
function realHrtime(): typeof process.hrtime {
  const { hrtime } = process
  const { clock } = hrtime as { clock?: { _hrtime?: typeof hrtime } }
  return clock?._hrtime ?? hrtime
}

export const hrtime = realHrtime()
export const Date: DateConstructor = nativeDate()
export const { setTimeout, clearTimeout } = realTimers()

const setImmediate = realImmediate()

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Keeps the process alive. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** Returns seconds. Fake timers replace `performance.now()` and `process.hrtime()`, but not this. */
const { uptime } = process
/** On Deno `process.uptime()` calls a replaced `performance.now()`. On Node `performance` loads ten modules. */
const performanceNow = IS_DENO ? performance.now.bind(performance) : undefined

/** In seconds since boot. */
const startOfProcess = IS_BUN ? uptimeOfSystem() - uptime() : 0

export function monotonicNow(): number {
  if (performanceNow) return performanceNow()
  return (IS_BUN && areTimersFaked() ? uptimeOfSystem() - startOfProcess : uptime()) * 1000
}

export interface Deadline {
  readonly expired: boolean
  /** Milliseconds until the deadline, at least 0. */
  readonly left: number
}

export function deadlineIn(ms: number): Deadline {
  const end = monotonicNow() + ms
  return {
    get expired() {
      return monotonicNow() >= end
    },
    get left() {
      return Math.max(0, end - monotonicNow())
    },
  }
}
