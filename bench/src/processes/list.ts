/** Lists the slices again and again, and says how many there were and how long each call took. */
import { listSlices } from '@portslice/core'
import { planned, whenAllAreReady } from './member.ts'

const { calls } = planned<{ calls: number }>()

await whenAllAreReady(async () => {
  const times: number[] = []
  let listed = 0
  for (let call = 0; call < calls; call++) {
    const start = performance.now()
    listed = (await listSlices()).length
    times.push(performance.now() - start)
  }
  return { listed, times }
})
