/**
 * For packages that bring portslice to a test runner: what they share. Tests need none of it.
 *
 * @module @portslice/core/adapter
 */
export { type AdapterOptions, checkAdapterOptions, type OnLeak } from './adapter/adapter-options.js'
export { namedPort } from './adapter/runners-shard.js'
export { type LeakedPort, leakError, leakMessage, TestPorts } from './adapter/test-ports.js'
export { sharedAllocator } from './allocator/shared-allocator.js'
export { PortsliceError, quoted } from './errors.js'
export { isAddressInUse, saysAddressInUse } from './port/address-in-use.js'
export { processWide } from './process-state.js'
export { deadlineIn, sleep } from './real-time.js'
export {
  abortSignal,
  type Check,
  checkOptions,
  milliseconds,
  pathOfFolder,
} from './settings/options.js'
export { withPorts } from './settings/placeholders.js'
export { variablePartOf } from './settings/port-name.js'
