import type { PortAllocator } from '@portslice/core'
import { loadCore } from './load-core.js'
import { addToMeta } from './port-meta.js'
import { projectOptions } from './project-options.js'
import { watchedFile } from './test-file.js'

/** Leases a slice, so call it only if a port is needed. */
export async function workerAllocator(): Promise<PortAllocator> {
  const { recordAllocator, sharedAllocator } = await loadCore()
  const watched = watchedFile()
  if (watched) watched.atTestEnd = addToMeta
  const { allocator } = await projectOptions()
  return recordAllocator(() => sharedAllocator(allocator))
}
