/** `startApp` for vitest, with ports of portslice or get-port. */
import type { RequestListener } from 'node:http'
import { test as withPortslice } from '@portslice/vitest-plugin/test'
import { type TestAPI, test as vitest } from 'vitest'
import { type App, Apps } from './apps.ts'
import { source } from './environment.ts'
import { portFromGetPort } from './get-port-source.ts'

interface Ports {
  takePort: () => Promise<number>
}

type StartApp = (answer: RequestListener) => Promise<App>

const withGetPort = vitest.extend<Ports>({
  takePort: async ({}, use) => {
    await use(portFromGetPort)
  },
})

const withPorts = (source() === 'portslice' ? withPortslice : withGetPort) as TestAPI<Ports>

export const test = withPorts.extend<{ startApp: StartApp }>({
  startApp: async ({ takePort }, use) => {
    await using apps = new Apps(takePort)
    await use((answer) => apps.start(answer))
  },
})
