import { defineConfig } from '@playwright/test'
import type { PortWorkerFixtures } from '@portslice/playwright-fixture'
import { BROWSER_WORKERS } from './size.ts'
import { browser } from './surroundings.ts'

export default defineConfig<object, Pick<PortWorkerFixtures, 'portslice'>>({
  testDir: 'browser',
  fullyParallel: true,
  workers: BROWSER_WORKERS,
  // Deadlines only: a page that got another app's port would wait for good.
  timeout: 30_000,
  expect: { timeout: 10_000 },
  use: { launchOptions: browser(), portslice: { onLeak: 'fail' } },
})
