import { readdirSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownSlices } from '../../support/own-slices.ts'
import { ContentionTest } from '../contention-test.ts'
import type { Fault } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import { outcomeOf } from './stopped-holder.ts'

/** From now. */
const JUMPS_SECONDS = {
  'to 1970': -Date.now() / 1000,
  'an hour back': -3600,
  'an hour on': 3600,
  'to 2099': 2.3e9,
}
/** A lock is refreshed every 5 s: at least once. */
const DURATION_MS = { short: 5600, long: 40_000 }

export const clockJumps: Fault = {
  fault: 'the clock jumps',
  provoked:
    'the times of a live holder’s lock and journal are set to 1970, an hour back, an hour on and 2099, again and again, while others want its only slice; then the holder ends, or is killed',
  must: 'the holder keeps its slice and its ports, carries on without an error or a warning, and the slice comes back',
  async run({ short, folder }) {
    const jumps = Object.values(JUMPS_SECONDS).filter((_, index) => !short || index % 3 === 0)
    // Each jump is tried twice: with a holder that ends normally, and with one that is killed.
    await using slices = await ownSlices(jumps.length * 2)
    await using group = new FaultProcesses(folder)
    const contentionTests = [...jumps, ...jumps].map(async (jump, index) => {
      const first = slices.range[0] + index * 32
      const contention = await ContentionTest.start(group, folder, [first, first + 31])
      const end = performance.now() + DURATION_MS[short ? 'short' : 'long']
      while (performance.now() < end) {
        setTimes(contention.lockDirectory, Date.now() / 1000 + jump)
        await sleep(200 + Math.random() * 300)
      }
      setTimes(contention.lockDirectory, Date.now() / 1000 + jump)
      if (index < jumps.length) return contention.finish()
      contention.release()
      contention.holder.kill()
      await contention.holder.ended
      return contention.leave()
    })
    return outcomeOf(await Promise.all(contentionTests), group)
  },
}

/** Of all locks and journals that exist at this moment. */
function setTimes(lockDirectory: string, seconds: number): void {
  for (const name of readdirSync(lockDirectory)) {
    try {
      utimesSync(path.join(lockDirectory, name), seconds, seconds)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
