import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { startShop, stopShop } from './shop.js'

export default defineConfig({
  test: {
    include: ['tests/*.test.js'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      // For a browser that Playwright did not install.
      provider: playwright({ launchOptions: JSON.parse(process.env.LAUNCH_OPTIONS ?? '{}') }),
      instances: [{ browser: 'chromium' }],
      // Commands that tests in the browser can call on vitest's server.
      commands: { startShop, stopShop },
    },
  },
})
