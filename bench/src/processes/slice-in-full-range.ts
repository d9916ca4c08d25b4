/** Leases a slice and gives it back, again and again; sends the times to the slice, in ms. */
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface SliceInFullRange {
  range: readonly [number, number]
  times: number
}

const { range, times } = readPlan<SliceInFullRange>()

whenAllAreReady(async () => {
  const taken: number[] = []
  for (let time = 0; time <= times; time++) {
    const start = performance.now()
    // Another worker id each time: it decides which slice is tried first.
    await using _allocator = await createAllocator({ range, workerId: 10_000 + time })
    taken.push(performance.now() - start)
  }
  // The first one is a warm-up.
  return taken.slice(1)
})
