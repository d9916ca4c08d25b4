/**
 * The machine's own clock and timers, also where a test has replaced the globals.
 *
 * `vi.useFakeTimers()`, `vi.setSystemTime()` and their like swap `Date`, `setTimeout` and the
 * functions of `node:timers`; a lock that is refreshed on such a clock is never refreshed, or
 * dated 2099. What stands here is taken once, at import, and looks behind a fake that was
 * already there. The build gives these to the bundled libraries too.
 */
import net from 'node:net'
import timers from 'node:timers'
import { areTimersFaked, SharedMemoryTimer, uptimeOfSystem } from './clock.bun.js'

const IS_BUN = process.versions.bun !== undefined

/** What Node's own functions look like; a fake is bound to its clock or calls it. */
const NODES_SET_TIMEOUT = /^function setTimeout\(callback/
const NODES_SET_IMMEDIATE = /^function setImmediate\(callback/

/**
 * The real `setTimeout` and `clearTimeout`, from behind a fake that was there before us:
 * `@sinonjs/fake-timers` keeps them on its clock; others (`mock.timers` of `node:test`) do
 * not, and then the time-outs of sockets serve, which nobody fakes.
 */
function realTimers(): Pick<typeof timers, 'setTimeout' | 'clearTimeout'> {
  const { setTimeout, clearTimeout } = timers
  if (IS_BUN) return timersOfBun()
  if (NODES_SET_TIMEOUT.test(Function.prototype.toString.call(setTimeout))) {
    return { setTimeout, clearTimeout }
  }
  const { clock } = setTimeout as { clock?: Record<string, unknown> }
  if (clock?._setTimeout) {
    return {
      setTimeout: clock._setTimeout as typeof setTimeout,
      clearTimeout: clock._clearTimeout as typeof clearTimeout,
    }
  }
  return timersOfSockets()
}

/** The real `setImmediate`, likewise; where a fake does not keep it, a timer serves. */
function realImmediate(): (callback: () => void) => unknown {
  const { setImmediate } = timers
  if (NODES_SET_IMMEDIATE.test(Function.prototype.toString.call(setImmediate))) return setImmediate
  const { clock } = setImmediate as { clock?: Record<string, unknown> }
  const kept = clock?._setImmediate as typeof setImmediate | undefined
  return kept ?? ((callback) => setTimeout(callback, 0))
}

/** The timer of a socket keeps no process alive; a message port does, until it is told not to. */
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

function timersOfSockets(): Pick<typeof timers, 'setTimeout' | 'clearTimeout'> {
  return {
    setTimeout: (callback: () => void, ms?: number) => new SocketTimer(callback, ms),
    clearTimeout: (timer: SocketTimer | undefined) => timer?.clear(),
  } as unknown as typeof timers
}

/** Those of Bun, but of shared memory while `bun:test` has replaced them. */
function timersOfBun(): Pick<typeof timers, 'setTimeout' | 'clearTimeout'> {
  const { setTimeout, clearTimeout } = timers
  return {
    setTimeout: (callback: () => void, ms?: number) =>
      areTimersFaked() ? new SharedMemoryTimer(callback, ms) : setTimeout(callback, ms),
    clearTimeout: (timer: SharedMemoryTimer | NodeJS.Timeout | undefined) =>
      timer instanceof SharedMemoryTimer ? timer.clear() : clearTimeout(timer),
  } as unknown as typeof timers
}

/** A proxy around a fake claims to be native code as well, but has no name. */
function isNativeDate(constructor: unknown): boolean {
  return /^function Date\(\) \{\s*\[native code\]\s*\}$/.test(
    Function.prototype.toString.call(constructor),
  )
}

/** Fake dates extend the one they replace, so the real one is up the prototype chain. */
function nativeDate(): DateConstructor {
  let candidate: unknown = globalThis.Date
  while (typeof candidate === 'function' && !isNativeDate(candidate)) {
    candidate = Object.getPrototypeOf(candidate)
  }
  return typeof candidate === 'function'
    ? (candidate as DateConstructor)
    : (process.getBuiltinModule('node:vm').runInNewContext('Date') as DateConstructor)
}

export const Date: DateConstructor = nativeDate()
export const { setTimeout, clearTimeout } = realTimers()

const setImmediate = realImmediate()

/** Resolves in the next turn of the event loop, also under fake timers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/**
 * Resolves after a while, also under fake timers. Keeps the process alive meanwhile: somebody is
 * waiting.
 *
 * @param ms milliseconds
 */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** In seconds. Fakes replace `performance.now()` and `process.hrtime()`, but leave this one. */
const { uptime } = process

/** When this process started, in seconds since boot. */
const startOfProcess = IS_BUN ? uptimeOfSystem() - uptime() : 0

/** Milliseconds since this process started, also under fake timers. */
export function monotonicNow(): number {
  const seconds = IS_BUN && areTimersFaked() ? uptimeOfSystem() - startOfProcess : uptime()
  return seconds * 1000
}

/** A moment to come, on the system's monotonic clock. */
export interface Deadline {
  /** Whether it has passed. */
  readonly expired: boolean
  /** Milliseconds until it; not below 0. */
  readonly left: number
}

class MonotonicDeadline implements Deadline {
  readonly #end: number

  /** @param end on the clock of `uptime`, in ms */
  constructor(end: number) {
    this.#end = end
  }

  get expired(): boolean {
    return monotonicNow() >= this.#end
  }

  get left(): number {
    return Math.max(0, this.#end - monotonicNow())
  }
}

/**
 * A deadline that keeps no process alive, also under fake timers.
 *
 * @param ms milliseconds from now
 */
export function deadlineIn(ms: number): Deadline {
  return new MonotonicDeadline(monotonicNow() + ms)
}
