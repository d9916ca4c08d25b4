/** Calls `listSlices` repeatedly, and sends the number of slices and the time of each call. */
import { listSlices } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

const { calls } = readPlan<{ calls: number }>()

whenAllAreReady(async () => {
  const times: number[] = []
  let listed = 0
  for (let call = 0; call < calls; call++) {
    const start = performance.now()
    listed = (await listSlices()).length
    times.push(performance.now() - start)
  }
  return { listed, times }
})
