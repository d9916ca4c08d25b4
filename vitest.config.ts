import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['packages/*/src/**/*.test.ts'], testTimeout: 60_000 } },
      // Each starts real test runners and many processes; deadlines only end what hangs.
      { test: { name: 'whole', include: ['tests/**/*.test.ts'], testTimeout: 300_000 } },
    ],
  },
})
