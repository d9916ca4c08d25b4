/** What this machine is like: facts that no option changes. */
import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { codeOf } from '../errors.js'
import { processWide } from '../process-state.js'
import { LAST_PORT, type PortRange } from '../slice/layout.js'

/** The ports that the OS hands out by itself, for `bind(0)` and outgoing connections. */
export interface EphemeralRange extends PortRange {
  /** Whether it is the system's usual range, because the one in force could not be read. */
  readonly isAssumed: boolean
}

/** Linux' default, and on macOS and Windows theirs: IANA's dynamic range (RFC 6335, section 6). */
const USUAL_EPHEMERAL_RANGE: PortRange =
  process.platform === 'linux' ? { first: 32_768, last: 60_999 } : { first: 49_152, last: 65_535 }

/** On Linux the setting of this network namespace, which governs IPv6 as well. */
export function ephemeralRange(): EphemeralRange {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [first = 0, last = 0] = text.trim().split(/\s+/).map(Number)
    if (first >= 1 && last >= first && last <= LAST_PORT) return { first, last, isAssumed: false }
  } catch {
    // Not Linux, or it may not be read.
  }
  return { ...USUAL_EPHEMERAL_RANGE, isAssumed: true }
}

/**
 * Names the place in which ports are shared: `<boot of the kernel>/<network namespace>`. A process that
 * holds a sentinel here knows that no other holder of the slice is alive in a place of the same
 * name.
 *
 * On Linux, a network namespace that cannot be read has another name in each process: two of them must
 * not look the same. A boot that cannot be read is named after the machine.
 */
export function hostIdentity(): string {
  host ??= placeOfThisProcess()
  return host
}

/** Begins the name of a network namespace that cannot be read. */
const UNKNOWN = 'unknown:'

/** A process stays in the namespace that it was started in. */
let host: string | undefined

function placeOfThisProcess(): string {
  const boot = readOrElse(
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    () => readOrElse(os.hostname, () => 'unknown'),
  )
  if (process.platform !== 'linux') return `${boot}/-`
  return `${boot}/${readOrElse(() => readlinkSync('/proc/self/ns/net'), nameOfUnknownNamespace)}`
}

/** The same for all copies of this package in one process. */
function nameOfUnknownNamespace(): string {
  const { name } = processWide('unknown network namespace', () => ({
    name: `${UNKNOWN}${process.getBuiltinModule('node:crypto').randomUUID()}`,
  }))
  return name
}

function readOrElse(read: () => string, otherwise: () => string): string {
  try {
    return read()
  } catch {
    return otherwise()
  }
}

/**
 * Whether processes of these two places may see each other's sockets: they do in one network
 * namespace, and may where it is not known which one they are in.
 */
export function mayShareNetwork(one: string, other: string): boolean {
  if (one === other) return true
  const [a, b] = [placeFrom(one), placeFrom(other)]
  return a.boot === b.boot && (a.isUnknown || b.isUnknown)
}

function placeFrom(identity: string): { boot: string; isUnknown: boolean } {
  const slash = identity.lastIndexOf('/')
  return { boot: identity.slice(0, slash), isUnknown: identity.startsWith(UNKNOWN, slash + 1) }
}

/** Whether a process of this number lives, as far as this process can see. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM' // It is there, but another user's.
  }
}
