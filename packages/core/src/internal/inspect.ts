/**
 * What the command needs beside `@portslice/core/internal`: it lists, explains and removes.
 *
 * @module @portslice/core/internal/inspect
 */

export { claimPortsAloud } from '../api/claim-port.js'
export { type LeftBehind, removeLeftBehind } from '../api/remove-left-behind.js'
export { type ClaimStatus, listClaims } from '../claim/list-claims.js'
export type { ClaimObstacle, ClaimTimeoutError } from '../claim/obstacle.js'
export { codeOf, inspect, PortsliceError, sanitize } from '../errors.js'
export { lockDirectoryFor } from '../options/lock-directory.js'
export { type AllocatorOptions, checkedRange } from '../options/options.js'
export { withPorts } from '../options/placeholders.js'
export { portFromVariable, variablePartOf } from '../options/port-name.js'
export { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
export {
  type DetectedShard,
  detectShard,
  formatShard,
  type ResolvedShard,
  shardFromText,
} from '../options/shard.js'
export { type DockerSocket, dockerSocket } from '../platform/docker-socket.js'
export { type EphemeralRange, ephemeralRange, hostIdentity } from '../platform/host.js'
export { checkPrivateDirectory, type PrivateDirectory } from '../platform/private-directory.js'
export {
  type ProcessTable,
  parseStat,
  processTable,
  readProcessText,
} from '../platform/process-table.js'
export { userIdentity } from '../platform/user.js'
export { type PortProbe, probePort } from '../probe/free.js'
export { type HeldUdpPort, holdUdpPort, tryToHoldUdpPort, type UdpHold } from '../probe/held-udp.js'
export { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
export { ownersOf, ownersOfAll, type PortOwner } from '../probe/owner.js'
export { type PortUse, usesOfPort } from '../probe/port-use.js'
export { mayBeRedirected } from '../probe/redirected.js'
export { guardWithTimeWait, type TimeWaitGuard } from '../probe/time-wait.js'
export { AVOIDED_PORTS } from '../slice/avoided-ports.js'
export { UNKNOWN_HOLDER } from '../slice/format-holder.js'
export {
  defaultRanges,
  formatRanges,
  LAST_PORT,
  type PortRange,
  partOf,
  portsOf,
  type Shard,
  SLICE_SIZE,
  type SliceStart,
  sentinelOf,
  sliceOf,
  slicesIn,
} from '../slice/layout.js'
export {
  type ListSlicesOptions,
  listSlices,
  type PortStatus,
  type SliceStatus,
} from '../slice/list-slices.js'
export { MAX_SOCKET_PATH_BYTES } from '../slice/liveness.js'
export { checkLockDirectory } from '../slice/lock-directory.js'
export { canHaveLivenessSockets } from '../slice/lock-token.js'
export { type FoundFile, readOwnFile } from '../slice/own-file.js'
