/** Takes and releases ports as fast as possible, and sends the count. */
import { readPlan } from 'portslice-test/support/script'
import { SOURCES, type Source } from './port-sources.ts'
import { whenAllAreReady } from './when-all-are-ready.ts'

/** Without it, 128 processes on few cores would mostly run code that is not compiled yet. */
const WARM_UP_ROUNDS = 2000

const { source, durationMs } = readPlan<{ source: Source; durationMs: number }>()
const take = await SOURCES[source]()
/** get-port remembers its ports for 15 to 30 s, and searches forever when all are remembered. */
const forget = source === 'get-port' ? (await import('get-port')).clearLockedPorts : () => {}
// Load and compile everything, and lease the slice, before the measurement starts.
for (let i = 0; i < WARM_UP_ROUNDS; i++) await (await take()).release()

whenAllAreReady(async (begin) => {
  const end = begin + BigInt(durationMs) * 1_000_000n
  let times = 0
  while (process.hrtime.bigint() < end) {
    const taken = await take()
    await taken.release()
    forget()
    times++
  }
  return times
})
