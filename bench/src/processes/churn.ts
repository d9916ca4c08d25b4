/** Takes ports and gives them back as fast as it can, and says how often. */
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './member.ts'
import { SOURCES, type Source } from './sources.ts'

/** Without it, 128 processes on few cores would mostly run functions for the first time. */
const WARM_UP = 2000

/** `lasts`: ms */
const { source, lasts } = readPlan<{ source: Source; lasts: number }>()
const take = await SOURCES[source]()
/** get-port gives no number twice in 15 to 30 s, and looks for one for ever when it has given all. */
const forget = source === 'get-port' ? (await import('get-port')).clearLockedPorts : () => {}
// Everything is loaded and compiled, and the slice is held, before all begin.
for (let i = 0; i < WARM_UP; i++) await (await take()).release()

whenAllAreReady(async (begin) => {
  const end = begin + BigInt(lasts) * 1_000_000n
  let times = 0
  while (process.hrtime.bigint() < end) {
    const taken = await take()
    await taken.release()
    forget()
    times++
  }
  return times
})
