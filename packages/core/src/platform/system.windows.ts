import { dynamicPortRange, excludedPortRanges } from './ports.windows.js'
import { listWithPowerShell } from './processes.windows.js'
import { groupsThatMayWrite, removeGroupsOfOthers } from './rights.windows.js'
import { OTHER } from './system.other.js'
import type { System } from './system-type.js'

export const WINDOWS: System = {
  ...OTHER,
  hasSignals: false,
  hasDrives: true,
  areToolsScripts: true,
  browserOpener: ['rundll32', 'url.dll,FileProtocolHandler'],
  // EACCES: a port in exclusive use, or reserved.
  takenCodes: ['EADDRINUSE', 'EACCES'],
  occupiedCodes: [...OTHER.occupiedCodes, 'EPERM', 'EACCES'],
  maxSocketPathBytes: 0,
  readEphemeralRange: once(dynamicPortRange),
  readExcludedRanges: once(excludedPortRanges),
  listProcesses: listWithPowerShell,
  makePrivate: removeGroupsOfOthers,
  othersThatMayWrite: groupsThatMayWrite,
}

/** Cached, because running the tool takes time. */
function once<T>(ask: () => T): () => T {
  let answer: { value: T } | undefined
  return () => {
    answer ??= { value: ask() }
    return answer.value
  }
}
