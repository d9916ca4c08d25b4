/** An app that binds its port 5 s after its parent, which took the port, was killed. */
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readPlan } from '../../support/script.ts'

const { port, notes } = readPlan<{ port: number; notes: string }>()
const note = (what: object) =>
  appendFileSync(notes, `${JSON.stringify({ pid: process.pid, port, ...what })}\n`)

note({ started: true })
process.stdin.resume()
await once(process.stdin, 'close')
await sleep(5000)
const server = net.createServer().listen({ port, exclusive: true })
try {
  await once(server, 'listening')
  // Long enough for another process that was given the port to notice.
  await sleep(500)
  note({ bound: true })
} catch (error) {
  note({ bound: false, why: String(error) })
}
process.exit()
