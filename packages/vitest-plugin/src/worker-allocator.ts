import type { PortAllocator } from '@portslice/core'
import { addPortsToMeta } from './add-ports-to-meta.js'
import { loadCore } from './load-core.js'
import { projectOptions } from './project-options.js'
import { watchedFile } from './test-file.js'

/** Call it only if a port is needed, because it leases a slice. */
export async function workerAllocator(): Promise<PortAllocator> {
  const { recordAllocator, sharedAllocator } = await loadCore()
  const watched = watchedFile()
  if (watched) watched.atTestEnd = addPortsToMeta
  const { allocator } = await projectOptions()
  return recordAllocator(() => sharedAllocator(allocator))
}
