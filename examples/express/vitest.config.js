import portslice from '@portslice/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [portslice()],
  // The start of the app counts as part of the first test that uses it.
  test: { maxWorkers: 4, testTimeout: 60_000 },
})
