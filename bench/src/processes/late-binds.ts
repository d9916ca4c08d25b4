/** Takes ports, binds each of them later, as apps do, and records the intervals. */
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Recorder } from 'portslice-test/support/intervals'
import { readPlan } from 'portslice-test/support/script'
import { SOURCES, type Source } from './port-sources.ts'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface LateBinds {
  source: Source
  /** The file for the intervals. */
  file: string
  ports: number
  /** Ports at a time. */
  atOnce: number
  /** From hand-out to bind. */
  delayMs: number
}

const SERVE_MS = 10

const { source, file, ports, atOnce, delayMs } = readPlan<LateBinds>()
const recorder = new Recorder(file)
const take = await SOURCES[source]()

/** @returns whether the port could be bound */
async function serveOn(port: number): Promise<boolean> {
  const server = net.createServer().listen(port)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  await sleep(SERVE_MS)
  server.close()
  await once(server, 'close')
  return true
}

let lastTake: Promise<unknown> = Promise.resolve()

/** One after the other, because portfinder throws on concurrent calls. */
function takeInTurn() {
  const taken = lastTake.then(take)
  lastTake = taken
  return taken
}

let left = ports
let refused = 0

async function useOneAfterTheOther(): Promise<void> {
  while (left-- > 0) {
    const taken = await takeInTurn()
    const recordRelease = recorder.recordTake(taken.port)
    await sleep(delayMs)
    if (!(await serveOn(taken.port))) refused++
    recordRelease()
    await taken.release()
  }
}

whenAllAreReady(async () => {
  await Promise.all(Array.from({ length: atOnce }, useOneAfterTheOther))
  return refused
})
