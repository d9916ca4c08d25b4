/**
 * Ports that no other process on the machine uses, for any program that runs on Node.
 *
 * @module @portslice/core
 */
export { createAllocator, type PortAllocator } from './allocator/allocator.js'
export type { PortLease } from './allocator/lease.js'
export { type ClaimOptions, claimPort, claimPorts } from './api/claim-port.js'
export { listSlices } from './api/list.js'
export { type ListeningServer, type ListenOptions, listen } from './api/listen.js'
export { namedPort } from './api/named-port.js'
export {
  type PortHistory,
  type PortHistoryOptions,
  type PortProcess,
  type PortUse,
  portHistory,
} from './api/port-history.js'
export { namedPortSync, portsFromEnv } from './api/sync-ports.js'
export { releasePort, takePort } from './api/take-port.js'
export { type WithPortOptions, withPort } from './api/with-port.js'
export type { ClaimStatus } from './claim/list-claims.js'
export { PortsliceError, type PortsliceErrorCode } from './errors.js'
export type { AllocatorOptions, TakeOptions } from './options/options.js'
export { detectWorker, type WorkerIdentity } from './options/worker.js'
export type { PortsliceEvents } from './platform/events.js'
export type { Shard } from './slice/layout.js'
export type { ListSlicesOptions, PortStatus, SliceStatus } from './slice/list-slices.js'
export type { SliceHolderStatus } from './slice/slice-record.js'
