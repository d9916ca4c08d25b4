/**
 * Takes ports, binds apps on them late, notes every interval. Arguments: a file for the notes,
 * and where to do so: in this `process`, in its `threads`, or in the workers of a `cluster`.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import { createAllocator, listen, releasePort, takePort } from '@portslice/core'
import { sharedAllocator } from '@portslice/core/internal'
import { createServer } from '@portslice/core/net'
import { Recorder } from '../../support/intervals.ts'

const [, script, record, where] = process.argv as [string, string, string, string]
const recorder = new Recorder(record)
const TIMES = 10
const MEMBERS = 2

async function main(): Promise<void> {
  if (where === 'threads' && isMainThread) {
    await Promise.all(Array.from({ length: MEMBERS }, inThread))
  } else if (where === 'cluster' && cluster.isPrimary) {
    await Promise.all(Array.from({ length: MEMBERS }, inClusterWorker))
  } else {
    await takePorts()
    cluster.worker?.disconnect()
  }
}

async function inThread(): Promise<void> {
  const thread = new Worker(script, { argv: [record, where] })
  const [status] = (await once(thread, 'exit')) as [number]
  if (status !== 0) process.exitCode = status
}

async function inClusterWorker(): Promise<void> {
  const [status] = (await once(cluster.fork(), 'exit')) as [number]
  if (status !== 0) process.exitCode = 1
}

/** Two ports each time: one of `takePort`, one of an allocator; and one that a server listens on at once. */
async function takePorts(): Promise<void> {
  const allocator = await createAllocator()
  for (let i = 0; i < TIMES; i++) {
    const port = await takePort()
    const lease = await allocator.take()
    await Promise.all([serveLate(port), serveLate(lease.port)])
    await releasePort(port)
    await lease.release()
  }
  await allocator.close()
  const server = createServer()
  const lease = await listen(server)
  const recordRelease = recorder.recordTake(lease.port)
  recordRelease()
  await once(server.close(), 'close')
  await (await sharedAllocator()).close()
}

async function serveLate(port: number): Promise<void> {
  const recordRelease = recorder.recordTake(port)
  await sleep(Math.random() * 20)
  const server = http.createServer()
  server.listen(port)
  await once(server, 'listening')
  await once(server.close(), 'close')
  recordRelease()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
