import type { WorkerInfo } from '@playwright/test'
import type { PortAllocator } from '@portslice/core'
import {
  type AdapterOptions,
  checkAdapterOptions,
  preferShard,
  sharedAllocator,
} from '@portslice/core/internal'

/**
 * The one allocator of a worker; asked for only where a port is wanted, as it leases a slice.
 *
 * @throws PortsliceError as `createAllocator` does
 */
export function workerAllocator(
  options: AdapterOptions,
  { config: { shard } }: WorkerInfo,
): Promise<PortAllocator> {
  preferShard(shard ? { index: shard.current, total: shard.total } : undefined)
  const { allocator } = checkAdapterOptions(options)
  return sharedAllocator(allocator)
}
