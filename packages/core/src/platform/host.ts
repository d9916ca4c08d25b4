import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { processWide } from '../process-state.js'
import { LAST_PORT, type PortRange } from '../slice/layout.js'
import { bootIdOfMac } from './boot.macos.js'
import { dynamicPortRange, excludedPortRanges } from './ports.windows.js'

export interface EphemeralRange extends PortRange {
  /** The default of the system, because its setting could not be read. */
  readonly isAssumed: boolean
}

/** The defaults of Linux, and of macOS and Windows (RFC 6335, section 6). */
const DEFAULT_EPHEMERAL_RANGE: PortRange =
  process.platform === 'linux' ? { first: 32_768, last: 60_999 } : { first: 49_152, last: 65_535 }

/** On Linux the setting of this network namespace, which applies to IPv6 as well. */
export function ephemeralRange(): EphemeralRange {
  const range = readEphemeralRange()
  return { ...(range ?? DEFAULT_EPHEMERAL_RANGE), isAssumed: range === undefined }
}

function readEphemeralRange(): PortRange | undefined {
  if (process.platform === 'linux') return readLocalPortRange()
  return portsOfWindows().dynamic
}

export function excludedRanges(): readonly PortRange[] {
  return portsOfWindows().excluded
}

interface SystemPorts {
  dynamic: PortRange | undefined
  excluded: readonly PortRange[]
}

/** Cached: `netsh` takes some time. */
let systemPorts: SystemPorts | undefined

function portsOfWindows(): SystemPorts {
  systemPorts ??=
    process.platform === 'win32'
      ? { dynamic: dynamicPortRange(), excluded: excludedPortRanges() }
      : { dynamic: undefined, excluded: [] }
  return systemPorts
}

function readLocalPortRange(): PortRange | undefined {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [first = 0, last = 0] = text.trim().split(/\s+/).map(Number)
    return first >= 1 && last >= first && last <= LAST_PORT ? { first, last } : undefined
  } catch {
    return undefined
  }
}

/** Of this start of the machine. */
export function bootId(): string | undefined {
  boot ??= readBootId()
  return boot
}

let boot: string | undefined

function readBootId(): string | undefined {
  if (process.platform === 'darwin') return bootIdOfMac()
  if (process.platform !== 'linux') return undefined
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

export function namespaceOf(kind: 'net' | 'pid' | 'time'): string | undefined {
  try {
    return readlinkSync(`/proc/self/ns/${kind}`)
  } catch {
    return undefined
  }
}

/**
 * `<boot id>/<network namespace>`: where it is equal, a port number means the same port. An unreadable
 * namespace gets another name in each process, so that two never look the same.
 */
export function hostIdentity(): string {
  host ??= `${bootId() ?? hostname()}/${networkName()}`
  return host
}

const UNKNOWN_PREFIX = 'unknown:'

/** Cached: a process stays in the namespace that it was started in. */
let host: string | undefined

export function hostname(): string {
  try {
    return os.hostname()
  } catch {
    return 'unknown'
  }
}

function networkName(): string {
  if (process.platform !== 'linux') return '-'
  return namespaceOf('net') ?? unknownNetworkName()
}

function unknownNetworkName(): string {
  const { name } = processWide('unknown network namespace', () => ({
    name: `${UNKNOWN_PREFIX}${process.getBuiltinModule('node:crypto').randomUUID()}`,
  }))
  return name
}

export function mayShareNetwork(one: string, other: string): boolean {
  if (one === other) return true
  const [a, b] = [parseIdentity(one), parseIdentity(other)]
  return a.boot === b.boot && (a.isUnknown || b.isUnknown)
}

function parseIdentity(identity: string): { boot: string; isUnknown: boolean } {
  const slash = identity.lastIndexOf('/')
  return {
    boot: identity.slice(0, slash),
    isUnknown: identity.startsWith(UNKNOWN_PREFIX, slash + 1),
  }
}
