import type { WorkerInfo } from '@playwright/test'
import type { PortAllocator } from '@portslice/core'
import { type AdapterOptions, checkAdapterOptions, sharedAllocator } from '@portslice/core/adapter'

/**
 * The one allocator of a worker; asked for only where a port is wanted, as it leases a slice.
 *
 * @throws PortsliceError as `createAllocator` does
 */
export function workerAllocator(
  options: AdapterOptions,
  { config: { shard } }: WorkerInfo,
): Promise<PortAllocator> {
  const { allocator } = checkAdapterOptions(
    options,
    shard ? { index: shard.current, total: shard.total } : undefined,
  )
  return sharedAllocator(allocator)
}
