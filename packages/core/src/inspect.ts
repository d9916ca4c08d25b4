/**
 * For programs that show people what portslice does on a machine, such as the command.
 *
 * @module @portslice/core/inspect
 */

export { type ClaimStatus, listClaims } from './api/claim/list-claims.js'
export type { ClaimObstacle, ClaimTimeoutError } from './api/claim/obstacle.js'
export { codeOf, inspect, PortsliceError, sanitize } from './errors.js'
export { type AllocatorOptions, checkedRange } from './options/options.js'
export { withPorts } from './options/placeholders.js'
export { portFromVariable, variablePartOf } from './options/port-name.js'
export {
  defaultRange,
  lockDirectoryFor,
  type ResolvedOptions,
  resolveOptions,
} from './options/resolve.js'
export { checkedShard, sourceOfShard } from './options/shard.js'
export { type EphemeralRange, ephemeralRange, hostIdentity, userIdentity } from './platform/host.js'
export { type ProcessTable, processTable, readProcessText } from './platform/process-table.js'
export { type PortProbe, probePort } from './probe/free.js'
export { type HeldUdpPort, holdUdpPort, tryToHoldUdpPort, type UdpHold } from './probe/held-udp.js'
export { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from './probe/listening.js'
export { ownersOf, ownersOfAll, type PortOwner } from './probe/owner.js'
export { type PortUse, usesOfPort } from './probe/port-use.js'
export { guardWithTimeWait, type TimeWaitGuard } from './probe/time-wait.js'
export { AVOIDED_PORTS } from './slice/avoided-ports.js'
export { UNKNOWN_HOLDER } from './slice/format-holder.js'
export {
  LAST_PORT,
  type PortRange,
  partOf,
  portsOf,
  SLICE_SIZE,
  type SliceStart,
  sentinelOf,
  sliceOf,
  slicesIn,
} from './slice/layout.js'
export {
  type ListSlicesOptions,
  listSlices,
  type PortStatus,
  type SliceStatus,
} from './slice/list-slices.js'
export { checkLockDirectory } from './slice/lock-directory.js'
export { type FoundFile, readOwnFile } from './slice/own-file.js'
