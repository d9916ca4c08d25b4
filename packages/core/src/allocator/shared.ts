import type { AllocatorOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { processWide } from '../process-state.js'
import { type Allocator, openAllocator, type PortAllocator } from './allocator.js'

interface SharedAllocators {
  /** By their settings. */
  readonly bySettings: Map<string, Promise<Allocator>>
  /** The one of `takePort` and its like. */
  default?: Promise<Allocator>
}

function shared(): SharedAllocators {
  return processWide<SharedAllocators>('allocators', () => ({
    bySettings: new Map(),
  }))
}

/**
 * The one allocator that this process (or worker thread) has for these options: made on first
 * use, shared by all copies of this package, and never to be closed by one of its users.
 *
 * @param options as of `createAllocator`
 * @throws as `createAllocator` does
 */
export function sharedAllocator(options: AllocatorOptions = {}): Promise<PortAllocator> {
  return openShared(options)
}

async function openShared(options: AllocatorOptions): Promise<Allocator> {
  const settings = resolveOptions(options)
  const { bySettings: allocators } = shared()
  const key = JSON.stringify([settings, options.timeWaitGuard ?? 'auto'])
  const open = () => {
    const opening = openAllocator(settings)
    allocators.set(key, opening)
    opening.catch(() => allocators.get(key) === opening && allocators.delete(key))
    return opening
  }
  const existing = allocators.get(key)
  if (!existing) return open()
  const allocator = await existing
  if (!allocator.isClosed) return allocator
  // Others may have waited for the same one: whoever comes first makes the new one.
  return allocators.get(key) === existing ? open() : openShared(options)
}

/**
 * The one of `takePort` and its like. Settled on first use: later changes of the
 * environment do not move a process elsewhere.
 */
export async function defaultAllocator(): Promise<PortAllocator> {
  const state = shared()
  const known = await state.default?.catch(() => undefined)
  if (known && !known.isClosed) return known
  state.default = openShared({})
  return state.default
}
