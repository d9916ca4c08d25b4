/** Serves on the ports that `portslice run` gave it, late. Argument: a file for the notes. */
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Recorder } from '../../support/intervals.ts'

const recorder = new Recorder(process.argv[2] as string)

await Promise.all(
  ['WEB_PORT', 'API_PORT'].map(async (name) => {
    const port = Number(process.env[name])
    const recordRelease = recorder.recordTake(port)
    await sleep(Math.random() * 100)
    const server = http.createServer().listen(port)
    await once(server, 'listening')
    await sleep(100)
    await once(server.close(), 'close')
    recordRelease()
  }),
)
