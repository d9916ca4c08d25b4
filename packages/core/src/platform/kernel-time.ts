/** Time since boot: the same for all processes of one kernel, whatever the system clock is set to. */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { hrtime } from './clock.js'
import { hostname, namespaceOf } from './host.js'
import { omitUndefined } from './omit-undefined.js'
import { runtime } from './runtime.js'
import { system } from './system.js'

export interface KernelTime {
  /** The boot and the time namespace that it was measured in. */
  readonly clock: string
  /** Milliseconds since boot by `/proc/uptime`, which no library can fake. Includes suspend. */
  readonly uptime?: number
  /** Milliseconds on the monotonic clock, which stops during suspend. Only on Node. */
  readonly monotonic?: number
}

/** Bun and Deno count from the start of the process. */
const COUNTS_SINCE_BOOT = runtime().name === 'node'

export function kernelTime(): KernelTime {
  return omitUndefined({
    clock: kernelClock(),
    uptime: readUptime(),
    monotonic: COUNTS_SINCE_BOOT ? Number(hrtime.bigint() / 1_000_000n) : undefined,
  })
}

/** False for moments of different kernels, without a count in common, or in the wrong order. */
export function isComparable(then: KernelTime, now: KernelTime): boolean {
  if (then.clock !== now.clock) return false
  const differences = differencesBetween(then, now)
  return differences.length > 0 && differences.every((ms) => ms >= 0)
}

/** In ms. The smaller difference counts, so that neither a fake clock nor suspend makes it too long. */
export function elapsedSince(then: KernelTime, now = kernelTime()): number {
  const differences = isComparable(then, now) ? differencesBetween(then, now) : []
  return differences.length > 0 ? Math.min(...differences) : 0
}

function differencesBetween(then: KernelTime, now: KernelTime): number[] {
  const monotonic = difference(then.monotonic, now.monotonic)
  const uptime = difference(then.uptime, now.uptime)
  if (monotonic === undefined) return uptime === undefined ? [] : [uptime]
  // A container may have its own, smaller uptime.
  return uptime === undefined || uptime < 0 ? [monotonic] : [monotonic, uptime]
}

function difference(then: number | undefined, now: number | undefined): number | undefined {
  return then === undefined || now === undefined ? undefined : now - then
}

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
  // On other systems the monotonic clock starts at boot, and deaths before it no longer matter.
  if (!system.hasProc) return process.platform
  const boot = system.readBootId()
  // Kernels before 5.6 have no time namespaces.
  return boot === undefined ? `${hostname()}/-` : `${boot}/${namespaceOf('time') ?? '-'}`
}

function readUptime(): number | undefined {
  if (!system.hasProc) return COUNTS_SINCE_BOOT ? undefined : os.uptime() * 1000
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'))
    return Number.isFinite(seconds) ? Math.round(seconds * 1000) : undefined
  } catch {
    return undefined
  }
}
