import portslice from '@portslice/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { source } from './environment.ts'
import { VITEST_WORKERS } from './size.ts'

export default defineConfig({
  plugins: source() === 'portslice' ? [portslice({ onLeak: 'fail' })] : [],
  test: {
    include: ['tests/*.test.ts'],
    maxWorkers: VITEST_WORKERS,
    testTimeout: 30_000,
  },
})
