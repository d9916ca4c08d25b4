import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  fullyParallel: true,
  workers: 4,
  use: {
    apps: {
      database: { command: 'node database.js', ready: /the database is ready/ },
      web: {
        command: 'node server.js',
        env: { DATABASE_URL: 'postgres://postgres@localhost:{DATABASE_PORT}/postgres' },
        ready: '/',
      },
    },
  },
})
