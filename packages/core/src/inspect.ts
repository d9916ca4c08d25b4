/**
 * For programs that show people what portslice does on a machine, such as the command.
 *
 * @module @portslice/core/inspect
 */
export { AVOIDED_PORTS } from './arithmetic/avoided-ports.js'
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
} from './arithmetic/slices.js'
export { type ClaimStatus, listClaims } from './claim/list-claims.js'
export type { ClaimObstacle, ClaimTimeoutError } from './claim/obstacle.js'
export { codeOf, PortsliceError, quoted, withoutControls } from './errors.js'
export { UNKNOWN_HOLDER } from './holder-words.js'
export {
  type ListSlicesOptions,
  listSlices,
  type PortStatus,
  type SliceStatus,
} from './list-slices.js'
export { type HeldUdpPort, holdUdpPort } from './port/held-udp.js'
export { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from './port/listening.js'
export { ownersOf, ownersOfAll, type PortOwner } from './port/owner.js'
export { type AllocatorOptions, checkedRange } from './settings/options.js'
export { withPorts } from './settings/placeholders.js'
export { portFromVariable, variablePartOf } from './settings/port-name.js'
export { defaultRange, lockDirectoryFor, type Settings, settle } from './settings/settings.js'
export { checkedShard, sourceOfShard } from './settings/shard.js'
export { ephemeralRange, hostIdentity, userIdentity } from './settings/system.js'
export { checkLockDirectory } from './slice/lock-directory.js'
export { type FoundFile, readOwnFile } from './slice/own-file.js'
