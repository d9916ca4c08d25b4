/** Lists the slices again and again, and says how many there were and how long each call took. */
import { listSlices } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './member.ts'

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
