/** Time since boot: the same for all processes of one kernel, whatever the system clock is set to. */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { bootId, namespaceOf } from './host.js'
import { omitUndefined } from './omit-undefined.js'

export interface KernelTime {
  /** The boot and the time namespace that it was measured in. */
  readonly clock: string
  /** Milliseconds since boot by `/proc/uptime`, which no library can fake. Includes suspend. */
  readonly uptime?: number
  /** Milliseconds on the monotonic clock, which stops during suspend. */
  readonly monotonic: number
}

/** Taken at import: test runners replace `process.hrtime` later. */
const { hrtime } = process

export function kernelTime(): KernelTime {
  return omitUndefined({
    clock: kernelClock(),
    uptime: readUptime(),
    monotonic: Number(hrtime.bigint() / 1_000_000n),
  })
}

export function isComparable(then: KernelTime, now: KernelTime): boolean {
  return then.clock === now.clock && then.monotonic <= now.monotonic
}

/** In ms. The smaller difference counts: neither a fake clock nor suspend makes it too long. */
export function elapsedSince(then: KernelTime, now = kernelTime()): number {
  if (!isComparable(then, now)) return 0
  const differences = [now.monotonic - then.monotonic]
  // A container may have its own, smaller uptime.
  if (then.uptime !== undefined && now.uptime !== undefined && now.uptime >= then.uptime) {
    differences.push(now.uptime - then.uptime)
  }
  return Math.max(0, Math.min(...differences))
}

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
  // On other systems the monotonic clock starts at boot, and deaths before it no longer matter.
  if (process.platform !== 'linux') return process.platform
  const boot = bootId()
  // Kernels before 5.6 have no time namespaces.
  return boot === undefined ? `${os.hostname()}/-` : `${boot}/${namespaceOf('time') ?? '-'}`
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
