import { appFixture } from '@portslice/vitest-plugin/test'
import { test as base } from 'vitest'

export const test = base.extend({
  app: appFixture({
    command: ['node', 'container.js', '{PORT}'],
    ready: '/',
    startTimeout: 120_000,
  }),
})
