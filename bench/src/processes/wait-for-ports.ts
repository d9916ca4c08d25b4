/** Makes many calls wait for a port of one slice, and give it back at once; sends the total time, in ms. */
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface Waiters {
  range: readonly [number, number]
  waiters: number
}

const { range, waiters } = readPlan<Waiters>()
const allocator = await createAllocator({ range, waitTimeout: 60_000 })
const PORTS = 31
const held = await allocator.takeMany(PORTS)

whenAllAreReady(async () => {
  const start = performance.now()
  const waiting = Array.from({ length: waiters }, async () => {
    const lease = await allocator.take()
    await lease.release()
  })
  await Promise.all(held.map((lease) => lease.release()))
  await Promise.all(waiting)
  return performance.now() - start
})
