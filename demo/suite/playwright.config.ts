import { defineConfig } from '@playwright/test'
import type { PortWorkerFixtures } from '@portslice/playwright-fixture'
import { browser } from './environment.ts'
import { BROWSER_WORKERS } from './size.ts'

export default defineConfig<object, Pick<PortWorkerFixtures, 'portslice'>>({
  testDir: 'browser',
  fullyParallel: true,
  workers: BROWSER_WORKERS,
  // A page that another app has answered would wait forever.
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: { launchOptions: browser(), portslice: { onLeak: 'fail' } },
})
