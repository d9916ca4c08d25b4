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
      // For a browser that Playwright has not installed itself.
      provider: playwright({ launchOptions: JSON.parse(process.env.LAUNCH_OPTIONS ?? '{}') }),
      instances: [{ browser: 'chromium' }],
      // What tests in the browser can ask vitest's server to do.
      commands: { startShop, stopShop },
    },
  },
})
