/**
 * A process that takes ports, binds an app late on some of them, and gives them back; notes
 * every interval. Arguments: a folder for the notes, and a JSON of {@link Plan}.
 */
import { once } from 'node:events'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'

export interface Plan {
  options: AllocatorOptions
  /** Ports to take in all. */
  ports: number
  /** The most ports to have out at the same time. */
  atOnce: number
  /** ms from the hand-out to the app's bind. */
  bindAfter: number
}

const [folder, json] = process.argv.slice(2) as [string, string]
const { options, ports, atOnce, bindAfter } = JSON.parse(json) as Plan
const recorder = new Recorder(path.join(folder, 'intervals.ndjson'))

const allocator = await createAllocator(options)
let left = ports
async function takeOneAfterTheOther(): Promise<void> {
  while (left-- > 0) {
    const lease = await allocator.take()
    const recordRelease = recorder.recordTake(lease.port)
    await sleep(Math.random() * bindAfter)
    const server = http.createServer((_, response) => response.end(String(process.pid)))
    server.listen(lease.port)
    await once(server, 'listening') // Throws EADDRINUSE, should another process have the port.
    server.close()
    recordRelease()
    const { leaked } = await lease.release()
    if (leaked) throw new Error(`Port ${lease.port} is said to have leaked, but was closed.`)
  }
}
await Promise.all(Array.from({ length: atOnce }, takeOneAfterTheOther))
await allocator.close()
