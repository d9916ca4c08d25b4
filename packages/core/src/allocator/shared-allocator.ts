import { processState } from '../process-state.js'
import type { AllocatorOptions } from '../settings/options.js'
import { settle } from '../settings/settings.js'
import { type Allocator, openAllocator } from './allocator.js'

/**
 * The one allocator that this process (or worker thread) has for these options: made on first
 * use, shared by all copies of this package, and never to be closed by one of its users.
 *
 * @param options as of `createAllocator`
 * @throws as `createAllocator` does
 */
export async function sharedAllocator(options: AllocatorOptions = {}): Promise<Allocator> {
  const settings = settle(options)
  const { allocators } = processState()
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
  return allocators.get(key) === existing ? open() : sharedAllocator(options)
}

/**
 * The one of `takePort` and its like. Settled on first use: later changes of the
 * environment do not move a process elsewhere.
 */
export async function defaultAllocator(): Promise<Allocator> {
  const state = processState()
  const known = await state.defaultAllocator?.catch(() => undefined)
  if (known && !known.isClosed) return known
  state.defaultAllocator = sharedAllocator()
  return state.defaultAllocator
}
