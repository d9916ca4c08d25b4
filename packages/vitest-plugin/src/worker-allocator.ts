import type { PortAllocator } from '@portslice/core'
import { recordAllocator, sharedAllocator } from '@portslice/core/internal'
import { addToMeta } from './port-meta.js'
import { projectOptions } from './project-options.js'
import { watchedFile } from './test-file.js'

/** Leases a slice, so call it only if a port is needed. */
export function workerAllocator(): Promise<PortAllocator> {
  const watched = watchedFile()
  if (watched) watched.atTestEnd = addToMeta
  return recordAllocator(() => sharedAllocator(projectOptions().allocator))
}
