/** Starts two apps that know each other, asks both, stops them; three times. Argument: a file for the notes. */
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
  const backs = [apps.api, apps.web].map(({ port }) => recorder.out(port))
  for (const { url, port } of [apps.api, apps.web]) {
    const answer = await (await fetch(url)).text()
    if (answer !== String(port)) throw new Error(`${url} answered ${answer}`)
  }
  for (const back of backs) back()
}
await (await sharedAllocator()).close()
