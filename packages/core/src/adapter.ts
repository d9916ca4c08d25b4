/** For packages that bring portslice to a test runner: what they share. */
export { type AdapterOptions, checkAdapterOptions, type OnLeak } from './adapter/adapter-options.js'
export { namedPort } from './adapter/runners-shard.js'
export { type LeakedPort, leakError, leakMessage, TestPorts } from './adapter/test-ports.js'
export { sharedAllocator } from './allocator/shared-allocator.js'
export { isAddressInUse, saysAddressInUse } from './port/address-in-use.js'
