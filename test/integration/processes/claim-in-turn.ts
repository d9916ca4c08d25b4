/**
 * A process that claims one of some ports again and again, and serves on it; notes every
 * interval. Arguments: a folder for the notes, the ports, how often. `hold`: claims once, says so,
 * and stays.
 */
import { once } from 'node:events'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimPort } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'

const [folder, ports, times] = process.argv.slice(2) as [string, string, string]
const recorder = new Recorder(path.join(folder, 'intervals.ndjson'))
const list = ports.split(',').map(Number)

if (times === 'hold') {
  const claim = await claimPort(list)
  const server = http.createServer().listen(claim.port)
  await once(server, 'listening')
  console.log('holding')
} else {
  for (let i = 0; i < Number(times); i++) {
    const claim = await claimPort(list, { timeout: 240_000 })
    const recordRelease = recorder.recordTake(claim.port)
    const server = http.createServer().listen(claim.port)
    await once(server, 'listening') // Throws EADDRINUSE, should another process have the port.
    await sleep(Math.random() * 10)
    const closed = once(server, 'close')
    server.close()
    await closed
    recordRelease()
    const { leaked } = await claim.release()
    if (leaked) throw new Error(`Port ${claim.port} is said to have leaked, but was closed.`)
  }
}
