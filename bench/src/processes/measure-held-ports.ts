/** Holds ports, and sends the memory and file descriptors used. Needs --expose-gc. */
import { readdirSync, readlinkSync } from 'node:fs'
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface Held {
  slices: number
  /** bytes */
  rss: number
  heap: number
  descriptors: number
  sockets: number
}

/** Without `ports`, the process only loads portslice. */
const { ports } = readPlan<{ ports: number }>()
const allocator = ports > 0 ? await createAllocator() : undefined
await allocator?.takeMany(ports)

whenAllAreReady(async (): Promise<Held> => {
  // Closed handles are freed in the next turn of the event loop.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  const { rss, heapUsed } = process.memoryUsage()
  const open = readdirSync('/proc/self/fd').flatMap(targetOf)
  return {
    slices: allocator?.slices.length ?? 0,
    rss,
    heap: heapUsed,
    descriptors: open.length,
    sockets: open.filter((target) => target.startsWith('socket:')).length,
  }
})

function targetOf(descriptor: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${descriptor}`)]
  } catch {
    return [] // The descriptor of the directory itself, closed by now.
  }
}
