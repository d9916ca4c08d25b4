import { appFixture } from '@portslice/vitest-plugin/test'
import { test as base } from 'vitest'

export const test = base.extend({
  app: appFixture({ command: ['node', 'server.js'], ready: '/health' }),
})
