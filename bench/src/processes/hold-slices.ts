/** Holds slices, each with its own allocator and one port out. */
import { createAllocator } from '@portslice/core'
import { planned, whenAllAreReady } from './member.ts'

export interface HoldSlices {
  range: readonly [number, number]
  slices: number
  /** The first worker id. */
  workerId: number
}

const { range, slices, workerId } = planned<HoldSlices>()
for (let more = 0; more < slices; more++) {
  const allocator = await createAllocator({ range, workerId: workerId + more })
  await allocator.take()
}
await whenAllAreReady(async () => undefined)
