/** Leases the given number of slices at the same time, and gives them back; sends the time until the last one, in ms. */
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface LeaseAtOnce {
  range: readonly [number, number]
  slices: number
  /** The first worker id. */
  workerId: number
}

const { range, slices, workerId } = readPlan<LeaseAtOnce>()

whenAllAreReady(async (begin) => {
  const allocators = await Promise.all(
    Array.from({ length: slices }, (_, more) =>
      createAllocator({ range, workerId: workerId + more, waitTimeout: 60_000 }),
    ),
  )
  const taken = Number(process.hrtime.bigint() - begin) / 1e6
  await Promise.all(allocators.map((allocator) => allocator.close()))
  return taken
})
