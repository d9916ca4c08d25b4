/**
 * The machine's own clock and timers, also where a test has replaced the globals.
 *
 * `vi.useFakeTimers()`, `vi.setSystemTime()` and their like swap `Date`, `setTimeout` and the
 * functions of `node:timers`; a lock that is refreshed on such a clock is never refreshed, or
 * dated 2099. What stands here is taken once, at import, and looks behind a fake that was
 * already there. The build gives these to the bundled libraries too.
 */
import timers from 'node:timers'
import vm from 'node:vm'

/** `@sinonjs/fake-timers` keeps what it replaced on its clock, under an underscore. */
function behindFake<T extends (...args: never[]) => unknown>(name: string, current: T): T {
  const clock = (current as { clock?: Record<string, unknown> }).clock
  return (clock?.[`_${name}`] as T | undefined) ?? current
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
    : (vm.runInNewContext('Date') as DateConstructor)
}

export const Date: DateConstructor = nativeDate()
export const setTimeout: typeof timers.setTimeout = behindFake('setTimeout', timers.setTimeout)
export const clearTimeout: typeof timers.clearTimeout = behindFake(
  'clearTimeout',
  timers.clearTimeout,
)

/** Resolves after `ms` milliseconds. Keeps the process alive meanwhile: somebody is waiting. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** A deadline `ms` milliseconds from now, on the timers' monotonic clock. */
export interface Deadline {
  readonly expired: boolean
  cancel(): void
}

export function deadlineIn(ms: number): Deadline {
  let expired = ms <= 0
  const timer = setTimeout(() => {
    expired = true
  }, ms)
  timer.unref()
  return {
    get expired() {
      return expired
    },
    cancel: () => clearTimeout(timer),
  }
}
