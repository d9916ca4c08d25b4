import { listWithPs } from './processes.ps.js'
import type { System } from './system-type.js'

/** The BSDs, and the base of macOS and Windows. */
export const OTHER: System = {
  hasProc: false,
  hasSignals: true,
  hasDrives: false,
  areToolsScripts: false,
  browserOpener: ['xdg-open'],
  isWildcardExclusive: false,
  hasNodePorts: false,
  takenCodes: ['EADDRINUSE'],
  occupiedCodes: ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'],
  // The size of `sun_path` without the final NUL: unix(4).
  maxSocketPathBytes: 103,
  serverPorts: {},
  // RFC 6335, section 6.
  defaultEphemeralRange: { first: 49_152, last: 65_535 },
  readEphemeralRange: () => undefined,
  readExcludedRanges: () => [],
  readBootId: () => undefined,
  listProcesses: listWithPs,
}
