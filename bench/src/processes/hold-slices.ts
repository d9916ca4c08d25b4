/** Holds slices, each with its own allocator and one port out. */
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface HoldSlices {
  range: readonly [number, number]
  slices: number
  /** The first worker id. */
  workerId: number
}

const { range, slices, workerId } = readPlan<HoldSlices>()
for (let more = 0; more < slices; more++) {
  const allocator = await createAllocator({ range, workerId: workerId + more })
  await allocator.take()
}
whenAllAreReady(async () => undefined)
