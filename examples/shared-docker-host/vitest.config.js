import portslice from '@portslice/vitest-plugin'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [portslice()],
  // The first test of a worker may wait for the image.
  test: { maxWorkers: 2, testTimeout: 120_000 },
})
