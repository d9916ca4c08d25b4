import { afterEach, expect, test, vi } from 'vitest'
import { resolveOptions } from '../options/resolve.js'
import { temporaryFolder } from '../own-slices.test-support.js'
import { rangeExhaustedError } from './range-errors.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

const OPTIONS = { range: [20_000, 20_999] as const }

async function messageOf(options: Parameters<typeof resolveOptions>[0]): Promise<string> {
  const resolved = resolveOptions({ ...OPTIONS, lockDirectory: temporaryFolder(), ...options })
  return (await rangeExhaustedError(resolved, [], undefined, undefined)).message
}

test('names a strict shard, and counts the slices of its part', async () => {
  const message = await messageOf({ shard: { index: 2, total: 4 } })
  expect(message).toContain('the range 20000-20999 (shard 2/4)')
  expect(message).toContain('It holds 8 slices')
})

test('does not name a shard that is only a preference, as all of the range was tried', async () => {
  vi.stubEnv('CI_NODE_INDEX', '2')
  vi.stubEnv('CI_NODE_TOTAL', '4')
  const message = await messageOf({})
  expect(message).toContain('the range 20000-20999 became')
  expect(message).toContain('It holds 31 slices')
})
