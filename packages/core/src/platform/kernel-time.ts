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
  /** Milliseconds on the monotonic clock, which stands still during suspend. */
  readonly monotonic: number
}

/** Taken at import: test runners replace `process.hrtime` later. */
const { hrtime } = process

/** Now, in the kernel's time. */
export function kernelTime(): KernelTime {
  const uptime = readUptime()
  return {
    clock: kernelClock(),
    ...(uptime !== undefined && { uptime }),
    monotonic: Number(hrtime.bigint() / 1_000_000n),
  }
}

/**
 * Whether two moments can be compared. They cannot if different kernels have counted, or if the
 * earlier one lies ahead: then the machine has started anew in between.
 */
export function isComparable(then: KernelTime, now: KernelTime): boolean {
  return then.clock === now.clock && then.monotonic <= now.monotonic
}

/**
 * How many milliseconds have passed since then at least: 0 where the two moments cannot be
 * compared. Of two counts that disagree the smaller one is taken, so that neither a faked clock
 * nor a suspended machine makes it too long.
 */
export function elapsedSince(then: KernelTime, now = kernelTime()): number {
  if (!isComparable(then, now)) return 0
  const counts = [now.monotonic - then.monotonic]
  // A container may be shown an uptime of its own, which then lies before that of another one.
  if (then.uptime !== undefined && now.uptime !== undefined && now.uptime >= then.uptime) {
    counts.push(now.uptime - then.uptime)
  }
  return Math.max(0, Math.min(...counts))
}

/** A moment that another process has written down; `undefined` for anything else. */
export function parseKernelTime(value: unknown): KernelTime | undefined {
  const { clock, uptime, monotonic } = (value ?? {}) as Record<string, unknown>
  if (typeof clock !== 'string' || !Number.isFinite(monotonic)) return undefined
  return {
    clock,
    ...(Number.isFinite(uptime) && { uptime: uptime as number }),
    monotonic: monotonic as number,
  }
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
  if (process.platform !== 'linux') return undefined
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'))
    return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined
  } catch {
    return undefined
  }
}
