/**
 * For packages that bring portslice to a test runner: what they share. Tests need none of it.
 *
 * @module @portslice/core/adapter
 */
export { type AdapterOptions, checkAdapterOptions, type OnLeak } from './adapter/adapter-options.js'
export { namedPort, preferShard } from './adapter/runners-shard.js'
export { type LeakedPort, leakError, leakMessage, TestPorts } from './adapter/test-ports.js'
export { sharedAllocator } from './allocator/shared.js'
export { inspect, PortsliceError } from './errors.js'
export {
  abortSignal,
  type Check,
  checkOptions,
  milliseconds,
  pathOfFolder,
} from './options/options.js'
export { withPorts } from './options/placeholders.js'
export { variablePartOf } from './options/port-name.js'
export { formatShard, runnerShardVariables } from './options/shard.js'
export { deadlineIn, sleep } from './platform/clock.js'
export { isAddressInUse, saysAddressInUse } from './probe/address-in-use.js'
export { processWide } from './process-state.js'
