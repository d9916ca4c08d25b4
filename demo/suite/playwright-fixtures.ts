/** Starts an app for each worker and more for each test, with ports of portslice or get-port. */
import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { PlaywrightTestArgs, PlaywrightWorkerArgs } from '@playwright/test'
import { test as playwright, type TestType } from '@playwright/test'
import { test as withPortslice } from '@portslice/playwright-fixture'
import { type App, Apps } from './apps.ts'
import { source } from './environment.ts'
import { portFromGetPort } from './get-port-source.ts'

interface TestPorts {
  takePort: () => Promise<number>
}

interface WorkerPorts {
  workerPort: number
}

interface Site extends App {
  /** The title of its page, so that a test can check which app answered. */
  name: string
}

const withGetPort = playwright.extend<TestPorts, WorkerPorts>({
  workerPort: [
    async ({}, use) => {
      await use(await portFromGetPort())
    },
    { scope: 'worker' },
  ],
  takePort: async ({}, use) => {
    await use(portFromGetPort)
  },
})

const withPorts = (source() === 'portslice' ? withPortslice : withGetPort) as TestType<
  PlaywrightTestArgs & TestPorts,
  PlaywrightWorkerArgs & WorkerPorts
>

export const test = withPorts.extend<
  { startApp: (answer: RequestListener) => Promise<App> },
  { site: Site }
>({
  site: [
    async ({ workerPort }, use) => {
      await using apps = new Apps(async () => workerPort)
      const name = randomUUID()
      const app = await apps.start((_, answer) => {
        answer.setHeader('content-type', 'text/html')
        answer.end(page(name))
      })
      await use({ ...app, name })
    },
    { scope: 'worker' },
  ],

  startApp: async ({ takePort }, use) => {
    await using apps = new Apps(takePort)
    await use((answer) => apps.start(answer))
  },
})

/** A page that shows the answer of the backend that its query names. */
function page(name: string): string {
  return `<!doctype html>
<title>${name}</title>
<p id="backend"></p>
<script type="module">
  const backend = new URLSearchParams(location.search).get('backend')
  document.querySelector('#backend').textContent = await (await fetch(backend)).text()
</script>`
}
