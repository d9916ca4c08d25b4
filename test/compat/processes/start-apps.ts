/** Three times: starts two apps that know each other's ports, requests both, stops them. Argument: a file for the notes. */
import { startApps } from '@portslice/app-server'
import { sharedAllocator } from '@portslice/core/internal'
import { Recorder } from '../../support/intervals.ts'

const recorder = new Recorder(process.argv[2] as string)
const TIMES = 3

for (let i = 0; i < TIMES; i++) {
  await using apps = await startApps({
    api: { command: [process.execPath, 'app.js'] },
    web: { command: [process.execPath, 'app.js'], ready: '/' },
  })
  const recordReleases = [apps.api, apps.web].map(({ port }) => recorder.recordTake(port))
  for (const { url, port } of [apps.api, apps.web]) {
    const answer = await (await fetch(url)).text()
    if (answer !== String(port)) throw new Error(`${url} answered ${answer}`)
  }
  for (const recordRelease of recordReleases) recordRelease()
}
await (await sharedAllocator()).close()
