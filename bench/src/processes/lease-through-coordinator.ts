/**
 * Simulates many workers of one machine, each with its own session, as if it were a process. Arguments: the URL, how
 * many workers, the number of the first of all, how many slices there are, how many ports each worker takes.
 */
import { randomUUID } from 'node:crypto'
import { type CoordinatorSession, loadCoordinator } from '@portslice/core/coordinator'

const [url = '', ...numbers] = process.argv.slice(2)
const [workers = 0, firstWorker = 0, slices = 0, takes = 0] = numbers.map(Number)
const FIRST_PORT = 10_016
/** Any name: no port is probed. */
const HOST = 'bench'
/** As many start at once as a machine has runners for. */
const STARTS_AT_ONCE = 8

const { openSession } = await loadCoordinator(url)
const sessions: { session: CoordinatorSession; first: number }[] = []
const sliceTimes: number[] = []
const takeTimes: number[] = []
let refused = 0

async function start(worker: number): Promise<void> {
  const begin = performance.now()
  const holder = {
    pid: worker + 1,
    host: 'bench',
    runner: 'bench',
    workerId: worker + 1,
    cwd: '/',
    projectRoot: '/',
    command: 'bench',
  }
  const onLost = (reason: string) => {
    throw new Error(reason)
  }
  const session = await openSession({ url, host: HOST, owner: randomUUID(), holder, onLost })
  // As workers of different projects begin anywhere in the range.
  let slice = (worker * 7919) % slices
  let heldByOthers = new Set<number>()
  for (;;) {
    const first = FIRST_PORT - (FIRST_PORT % 32) + 32 * slice
    if (!heldByOthers.has(first)) {
      const answer = await session.holdSlice(first)
      if (!('refused' in answer)) {
        sessions.push({ session, first })
        sliceTimes.push(performance.now() - begin)
        return
      }
      if (answer.refused !== 'held') throw new Error(`refused: ${answer.refused}`)
      refused++
      heldByOthers = new Set(await session.heldSlices())
    }
    slice = (slice + 1) % slices
  }
}

const waiting = Array.from({ length: workers }, (_, i) => firstWorker + i)
await Promise.all(
  Array.from({ length: STARTS_AT_ONCE }, async () => {
    for (let worker = waiting.shift(); worker !== undefined; worker = waiting.shift()) {
      await start(worker)
    }
  }),
)
process.send?.({ sliceTimes, refused })
await new Promise((resolve) => process.once('message', resolve))
const begin = performance.now()
await Promise.all(
  sessions.map(async ({ session, first }) => {
    for (let i = 0; i < takes; i++) {
      const port = first + (i % 31)
      const asked = performance.now()
      const refusal = await session.takePorts([{ port, label: 'bench' }], first)
      if (refusal) throw new Error(`refused: ${refusal.refused}`)
      takeTimes.push(performance.now() - asked)
      await session.releasePort(port, false)
    }
  }),
)
process.send?.({ takeTimes, lasted: performance.now() - begin })
await new Promise((resolve) => process.once('message', resolve))
await Promise.all(sessions.map(({ session }) => session.close()))
process.exit()
