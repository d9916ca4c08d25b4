import { defineConfig } from '@playwright/test'
import type { PortWorkerFixtures } from '@portslice/playwright-fixture'
import { browser } from './environment.ts'
import { BROWSER_WORKERS } from './size.ts'

export default defineConfig<object, Pick<PortWorkerFixtures, 'portslice'>>({
  testDir: 'browser',
  fullyParallel: true,
  workers: BROWSER_WORKERS,
  // A page that got the port of another app would wait forever.
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: { launchOptions: browser(), portslice: { onLeak: 'fail' } },
})
