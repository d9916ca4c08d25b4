import { expect, test } from 'vitest'
import { runtime } from './runtime.js'

test('distinguishes Bun and Deno from the Node that they are compatible with', () => {
  expect(runtime({ node: '24.3.0', bun: '1.4.5' } as never)).toEqual({
    name: 'bun',
    version: '1.4.5',
  })
  expect(runtime({ node: '24.3.0', deno: '2.9.6' } as never)).toEqual({
    name: 'deno',
    version: '2.9.6',
  })
  expect(runtime()).toEqual({ name: 'node', version: process.versions.node })
})
