import { readlinkSync } from 'node:fs'
import os from 'node:os'
import { processWide } from '../process-state.js'
import type { PortRange } from '../slice/layout.js'
import { system } from './system.js'
import type { System } from './system-type.js'

export interface EphemeralRange extends PortRange {
  /** Whether it is the default of the system, because the setting could not be read. */
  readonly isAssumed: boolean
}

export function ephemeralRange(): EphemeralRange {
  const range = system.readEphemeralRange()
  return { ...(range ?? system.defaultEphemeralRange), isAssumed: range === undefined }
}

export function namespaceOf(kind: 'net' | 'pid' | 'time'): string | undefined {
  try {
    return readlinkSync(`/proc/self/ns/${kind}`)
  } catch {
    return undefined
  }
}

/**
 * `<boot id>/<network namespace>`. If two processes have the same one, a port number means the same port in both.
 * An unreadable namespace gets a different name in each process, so that no two look the same.
 */
export function hostIdentity(): string {
  host ??= identityOn(system)
  return host
}

export function identityOn(on: System): string {
  return `${on.readBootId() ?? hostname()}/${on.hasProc ? (namespaceOf('net') ?? unknownNetworkName()) : '-'}`
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
