import type { AllocatorOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { processWide } from '../process-state.js'
import { type Allocator, openAllocator } from './allocator.js'

interface SharedAllocators {
  readonly byOptions: Map<string, Promise<Allocator>>
  default?: Promise<Allocator>
}

function sharedAllocators(): SharedAllocators {
  return processWide<SharedAllocators>('allocators', () => ({ byOptions: new Map() }))
}

/** The one allocator with these options in this process (or thread). Its users share it, and must not close it. */
export async function sharedAllocator(options: AllocatorOptions = {}): Promise<Allocator> {
  const resolved = resolveOptions(options)
  const allocators = sharedAllocators().byOptions
  // `slices` is derived from the other options.
  const key = JSON.stringify([resolved, options.timeWaitGuard ?? 'auto'])
  const open = () => {
    const opening = openAllocator(resolved)
    allocators.set(key, opening)
    opening.catch(() => allocators.get(key) === opening && allocators.delete(key))
    return opening
  }
  const existing = allocators.get(key)
  if (!existing) return open()
  const allocator = await existing
  if (!allocator.isClosed) return allocator
  // Of several callers that have waited for a closed allocator, only the first replaces it.
  return allocators.get(key) === existing ? open() : sharedAllocator(options)
}

/** The allocator of calls without options, such as `takePort`. Later changes of the environment have no effect. */
export async function defaultAllocator(): Promise<Allocator> {
  const state = sharedAllocators()
  const known = await state.default?.catch(() => undefined)
  if (known && !known.isClosed) return known
  state.default = sharedAllocator()
  return state.default
}
