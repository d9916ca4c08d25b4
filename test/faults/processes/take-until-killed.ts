/** Takes ports, binds an app late on each, and gives them back, until it is killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'
import { onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  options: AllocatorOptions
  /** The most ports to have out at once. */
  atOnce: number
  /** ms from the hand-out to the app's bind, at most. */
  bindAfter: number
  /** Where to note which port was out when. */
  notes: string
  /** Where an app that outlives this process records its result; without it, no app is started. */
  orphanNotes?: string
}

const { options, atOnce, bindAfter, notes, orphanNotes } = readPlan<Plan>()
const recorder = new Recorder(notes)
let isToEnd = false
onWords({
  end: () => {
    isToEnd = true
  },
})

const allocator = await createAllocator(options)

async function takeOneAfterTheOther(): Promise<void> {
  while (!isToEnd) {
    const lease = await allocator.take()
    const recordRelease = recorder.recordTake(lease.port)
    await sleep(Math.random() * bindAfter)
    const server = net.createServer().listen({ port: lease.port, exclusive: true })
    await once(server, 'listening') // Throws EADDRINUSE if another process has the port.
    server.close()
    await once(server, 'close')
    recordRelease()
    await lease.release()
  }
}

if (orphanNotes) {
  const { port } = await allocator.take({ label: 'orphan' })
  recorder.recordTake(port)
  const script = fileURLToPath(new URL('bind-when-orphaned.ts', import.meta.url))
  // Its stdin ends with this process.
  spawn(process.execPath, [script, JSON.stringify({ port, notes: orphanNotes })], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  }).unref()
}
say('taking')
await Promise.all(Array.from({ length: atOnce }, takeOneAfterTheOther))
await allocator.close()
process.exit()
