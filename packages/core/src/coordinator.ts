/**
 * The interface for packages that lease the ports of another host through a database, such as
 * `@portslice/postgres` and `@portslice/redis`.
 *
 * @module @portslice/core/coordinator
 */
export type {
  CoordinatorCheck,
  CoordinatorModule,
  CoordinatorSession,
  HeldSlice,
  HolderInfo,
  Holdings,
  LeftPort,
  ListedPort,
  ListedSlice,
  Listing,
  PortEvent,
  PortUse,
  Refusal,
  SessionOptions,
} from './coordinator/coordinator-session.js'
export { loadCoordinator } from './coordinator/load-coordinator.js'
export { PortsliceError } from './errors.js'
export { hidePassword } from './options/remote.js'
