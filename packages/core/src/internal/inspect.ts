/**
 * More exports for the command `portslice`, which inspects slices and ports. Not part of the public interface.
 *
 * @module @portslice/core/internal/inspect
 */

export { checkCoordinator } from '../api/check-coordinator.js'
export { claimPortsWithProgress } from '../api/claim-port.js'
export { listClaims, listSlices } from '../api/list.js'
export { type PortHistory, type PortProcess, portHistory } from '../api/port-history.js'
export { type Leftover, removeLeftovers } from '../api/remove-leftovers.js'
export type { ClaimTimeoutError } from '../claim/claim-errors.js'
export type { ClaimStatus } from '../claim/list-claims.js'
export type { ClaimObstacle } from '../claim/obstacle.js'
export { codeOf, inspect, PortsliceError, sanitize } from '../errors.js'
export type { AllocatorOptions } from '../options/options.js'
export { replacePlaceholders } from '../options/placeholders.js'
export { portFromVariable, variablePartOf } from '../options/port-name.js'
export { validateRange } from '../options/range.js'
export { hidePassword, resolveRemote } from '../options/remote.js'
export { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
export { resolveLockDirectory } from '../options/resolve-lock-directory.js'
export { detectShard, formatShard, requireShard } from '../options/shard.js'
export { suggest } from '../options/suggest.js'
export {
  INTERNAL_VARIABLES,
  isPortVariable,
  refuseMisspeltVariables,
  unknownVariables,
  VARIABLES,
} from '../options/variables.js'
export { dockerSocket } from '../platform/docker-socket.js'
export {
  type EphemeralRange,
  ephemeralRange,
  hostIdentity,
  hostname,
  namespaceOf,
} from '../platform/host.js'
export { hostInUrl } from '../platform/host-in-url.js'
export { checkPrivateDirectory } from '../platform/private-directory.js'
export {
  parseStat,
  processTable,
  readProcessText,
} from '../platform/process-table.js'
export { type Runtime, runtime } from '../platform/runtime.js'
export { system } from '../platform/system.js'
export type { System } from '../platform/system-type.js'
export { userIdentity } from '../platform/user.js'
export { probePort } from '../probe/free.js'
export { holdUdpPort, tryToHoldUdpPort } from '../probe/hold-udp-port.js'
export { isListening, listeningPorts } from '../probe/listening.js'
export { ownersOf, ownersOfAll, type PortOwner } from '../probe/owner.js'
export { type PortSocket, socketsOfPort } from '../probe/port-sockets.js'
export { mayBeRedirected } from '../probe/redirected.js'
export { guardWithTimeWait, type TimeWaitGuard } from '../probe/time-wait.js'
export { UNKNOWN_HOLDER } from '../slice/format-holder.js'
export {
  defaultRanges,
  formatRanges,
  LAST_PORT,
  type PortRange,
  portsOf,
  type Shard,
  SLICE_SIZE,
  type SliceStart,
  sentinelOf,
  sliceOf,
  slicesIn,
} from '../slice/layout.js'
export type { PortStatus, SliceStatus } from '../slice/list-slices.js'
export { checkLockDirectory } from '../slice/lock-directory.js'
export { canHaveLivenessSockets } from '../slice/lock-token.js'
export { readOwnFile } from '../slice/own-file.js'
