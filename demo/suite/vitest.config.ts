import portslice from '@portslice/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { VITEST_WORKERS } from './size.ts'
import { source } from './surroundings.ts'

export default defineConfig({
  plugins: source() === 'portslice' ? [portslice({ onLeak: 'fail' })] : [],
  test: {
    include: ['tests/*.test.ts'],
    maxWorkers: VITEST_WORKERS,
    testTimeout: 30_000,
  },
})
