import { readFileSync } from 'node:fs'
import { LAST_PORT, type PortRange } from '../slice/layout.js'
import type { System } from './system-type.js'

export const LINUX: System = {
  hasProc: true,
  hasSignals: true,
  hasDrives: false,
  areToolsScripts: false,
  browserOpener: ['xdg-open'],
  isWildcardExclusive: true,
  hasNodePorts: true,
  takenCodes: ['EADDRINUSE'],
  occupiedCodes: ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'],
  // The size of `sun_path` without the final NUL: unix(7).
  maxSocketPathBytes: 107,
  serverPorts: {},
  defaultEphemeralRange: { first: 32_768, last: 60_999 },
  readEphemeralRange,
  readExcludedRanges: () => [],
  readBootId,
}

/** The setting of this network namespace, which applies to IPv6 as well. */
function readEphemeralRange(): PortRange | undefined {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [first = 0, last = 0] = text.trim().split(/\s+/).map(Number)
    return first >= 1 && last >= first && last <= LAST_PORT ? { first, last } : undefined
  } catch {
    return undefined
  }
}

function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}
