/**
 * Ports that nobody else on the machine has, for any program that runs on Node.
 *
 * @module @portslice/core
 */
export { createAllocator, type PortAllocator } from './allocator/allocator.js'
export type { PortLease } from './allocator/lease.js'
export type { Shard } from './arithmetic/slices.js'
export { type ClaimOptions, claimPort } from './claim/claim-port.js'
export { PortsliceError, type PortsliceErrorCode } from './errors.js'
export {
  type ListSlicesOptions,
  listSlices,
  type PortStatus,
  type SliceHolderStatus,
  type SliceStatus,
} from './list-slices.js'
export { type ListeningServer, type ListenOptions, listen } from './listen.js'
export { namedPort } from './named-port.js'
export type { AllocatorOptions, TakeOptions } from './settings/options.js'
export { detectWorker, type WorkerIdentity } from './settings/worker.js'
export { releasePort, takePort } from './take-port.js'
export { type WithPortOptions, withPort } from './with-port.js'
