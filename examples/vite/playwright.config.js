import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  workers: 4,
  use: {
    app: { command: 'vite --port {PORT} --strictPort', ready: '/' },
  },
})
