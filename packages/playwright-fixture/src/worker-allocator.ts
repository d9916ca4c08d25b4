import type { WorkerInfo } from '@playwright/test'
import type { PortAllocator } from '@portslice/core'
import {
  type AdapterOptions,
  checkAdapterOptions,
  preferShard,
  recordAllocator,
  sharedAllocator,
} from '@portslice/core/internal'

/** Leases a slice, so call it only if a port is needed. */
export function workerAllocator(
  options: AdapterOptions,
  { config: { shard } }: WorkerInfo,
): Promise<PortAllocator> {
  preferShard(shard ? { index: shard.current, total: shard.total } : undefined)
  const { allocator } = checkAdapterOptions(options)
  return recordAllocator(() => sharedAllocator(allocator))
}
