/** For the test files of other runners: serves late on a port that is noted in $RECORD. */
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { releasePort, takePort } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'

const recorder = new Recorder(process.env.RECORD as string)

export async function serve(): Promise<void> {
  const port = await takePort()
  const recordRelease = recorder.recordTake(port)
  await sleep(Math.random() * 15)
  const server = http.createServer()
  server.listen(port)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
  recordRelease()
  await releasePort(port)
}
