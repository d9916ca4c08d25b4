import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  workers: 2,
  // The dev server compiles a page at its first request.
  timeout: 120_000,
  use: {
    app: {
      command: 'next dev --port {PORT}',
      env: { NEXT_DIST_DIR: '.next/{PORT}', NEXT_TELEMETRY_DISABLED: '1' },
      ready: '/',
      startTimeout: 120_000,
    },
  },
})
