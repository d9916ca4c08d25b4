/**
 * Time as the kernel counts it since boot. Processes of one kernel agree on it, and setting the
 * clock does not change it.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'

/** A moment, as it can be written down for other processes. */
export interface KernelTime {
  /** Which kernel counts, and in which time namespace. */
  readonly clock: string
  /** Milliseconds since boot by `/proc/uptime`, which no library can fake. Includes suspend. */
  readonly uptime?: number
  /** Milliseconds on the monotonic clock, which stands still during suspend; on Node alone. */
  readonly monotonic?: number
}

/** Taken at import: test runners replace `process.hrtime` later. */
const { hrtime } = process
/** Bun and Deno count from the start of the process. */
const COUNTS_SINCE_BOOT = !process.versions.bun && !process.versions.deno

/** Now, in the kernel's time. */
export function kernelTime(): KernelTime {
  const uptime = readUptime()
  return {
    clock: kernelClock(),
    ...(uptime !== undefined && { uptime }),
    ...(COUNTS_SINCE_BOOT && { monotonic: Number(hrtime.bigint() / 1_000_000n) }),
  }
}

/**
 * Whether two moments can be compared. They cannot if different kernels have counted, if they have
 * no count in common, or if the earlier one lies ahead: then the machine was restarted in between.
 */
export function isComparable(then: KernelTime, now: KernelTime): boolean {
  if (then.clock !== now.clock) return false
  const counts = countsBetween(then, now)
  return counts.length > 0 && counts.every((count) => count >= 0)
}

/**
 * How many milliseconds have passed since then at least: 0 where the two moments cannot be
 * compared. Of two counts that disagree the smaller one is taken, so that neither a faked clock
 * nor a suspended machine makes it too long.
 */
export function elapsedSince(then: KernelTime, now = kernelTime()): number {
  const counts = isComparable(then, now) ? countsBetween(then, now) : []
  return counts.length > 0 ? Math.min(...counts) : 0
}

/** What has passed by each count that both moments have. */
function countsBetween(then: KernelTime, now: KernelTime): number[] {
  const monotonic = difference(then.monotonic, now.monotonic)
  const uptime = difference(then.uptime, now.uptime)
  if (monotonic === undefined) return uptime === undefined ? [] : [uptime]
  // A container may be shown an uptime of its own, which then lies before that of another one.
  return uptime === undefined || uptime < 0 ? [monotonic] : [monotonic, uptime]
}

function difference(then: number | undefined, now: number | undefined): number | undefined {
  return then === undefined || now === undefined ? undefined : now - then
}

/** A moment that another process has written down; `undefined` for anything else. */
export function parseKernelTime(value: unknown): KernelTime | undefined {
  const { clock, uptime, monotonic } = (value ?? {}) as Record<string, unknown>
  const counts = {
    ...(Number.isFinite(uptime) && { uptime: uptime as number }),
    ...(Number.isFinite(monotonic) && { monotonic: monotonic as number }),
  }
  return typeof clock === 'string' && Object.keys(counts).length > 0
    ? { clock, ...counts }
    : undefined
}

let clock: string | undefined

function kernelClock(): string {
  clock ??= readClock()
  return clock
}

function readClock(): string {
  // Elsewhere the monotonic count starts at boot, and a death before the boot no longer matters.
  if (process.platform !== 'linux') return process.platform
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${boot}/${timeNamespace()}`
  } catch {
    return `${os.hostname()}/-` // The boot cannot be read: a later one counts from 0 again.
  }
}

/** Kernels before 5.6 have no time namespaces. */
function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time')
  } catch {
    return '-'
  }
}

function readUptime(): number | undefined {
  if (process.platform !== 'linux') return COUNTS_SINCE_BOOT ? undefined : os.uptime() * 1000
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'))
    return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined
  } catch {
    return undefined
  }
}
