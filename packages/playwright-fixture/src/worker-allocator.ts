import type { WorkerInfo } from '@playwright/test'
import type { PortAllocator } from '@portslice/core'
import type { AdapterOptions } from '@portslice/core/internal'
import { loadCore } from './load-core.js'

/** Call it only if a port is needed, because it leases a slice. */
export async function workerAllocator(
  options: AdapterOptions,
  { config: { shard } }: WorkerInfo,
): Promise<PortAllocator> {
  const { checkAdapterOptions, preferShard, recordAllocator, sharedAllocator } = await loadCore()
  preferShard(shard ? { index: shard.current, total: shard.total } : undefined)
  const { allocator } = checkAdapterOptions(options)
  return recordAllocator(() => sharedAllocator(allocator))
}
