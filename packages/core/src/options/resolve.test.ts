import { afterEach, expect, test, vi } from 'vitest'
import { sentinelOf, slicesIn } from '../slice/layout.js'
import { defaultRange, lockDirectoryFor, resolveOptions } from './resolve.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the default range ends below the ports that the OS hands out', () => {
  expect(defaultRange({ first: 32_768, last: 60_999 })).toEqual({ first: 10_000, last: 32_767 })
  expect(defaultRange({ first: 49_152, last: 65_535 })).toEqual({ first: 10_000, last: 49_151 })
})

test.each([1024, 9000, 10_000, 10_016, 10_040])(
  'an ephemeral range from %i leaves no room, so all ports from 10000 are used',
  (first) => {
    expect(defaultRange({ first, last: 65_535 })).toEqual({ first: 10_000, last: 65_535 })
  },
)

test('options come before environment variables', () => {
  vi.stubEnv('PORTSLICE_RANGE', '20000-20999')
  vi.stubEnv('PORTSLICE_SHARD', '1/2')
  vi.stubEnv('PORTSLICE_LOCK_DIR', '/somewhere')
  expect(resolveOptions()).toMatchObject({
    range: { first: 20_000, last: 20_999 },
    shard: { index: 1, total: 2 },
    lockDirectory: '/somewhere',
  })
  expect(
    resolveOptions({
      range: [30_000, 30_999],
      shard: { index: 3, total: 3 },
      lockDirectory: '/elsewhere',
    }),
  ).toMatchObject({
    range: { first: 30_000, last: 30_999 },
    shard: { index: 3, total: 3 },
    lockDirectory: '/elsewhere',
  })
})

test('shards share no slice, and together use all of the range', () => {
  const shards = [1, 2, 3].map((index) =>
    resolveOptions({ range: [20_000, 29_999], shard: { index, total: 3 } }),
  )
  const slices = shards.flatMap((settings) => settings.slices)
  expect(slices.sort((a, b) => a - b)).toEqual(slicesIn({ first: 20_000, last: 29_999 }))
})

test('more shards than slices are refused', () => {
  expect(() => resolveOptions({ range: [20_000, 20_063], shard: { index: 1, total: 3 } })).toThrow(
    expect.objectContaining({ code: 'ERR_PORTSLICE_SHARD_INVALID' }),
  )
})

test('guards the ports that the OS hands out by itself, unless told otherwise', () => {
  vi.stubEnv('PORTSLICE_RANGE', undefined)
  const inDefaultRange = resolveOptions().slices[0] as number
  expect(resolveOptions().needsTimeWait(inDefaultRange)).toBe(false)
  expect(resolveOptions({ timeWaitGuard: 'always' }).needsTimeWait(inDefaultRange)).toBe(true)
  // 50000 lies in the default ephemeral range of Linux, macOS and Windows.
  expect(resolveOptions().needsTimeWait(50_000)).toBe(true)
  expect(resolveOptions({ timeWaitGuard: 'never' }).needsTimeWait(50_000)).toBe(false)
})

test('never uses a sentinel outside of the range', () => {
  const { slices, range } = resolveOptions({ range: [20_001, 20_100] })
  expect(slices.every((slice) => slice >= range.first && sentinelOf(slice) <= range.last)).toBe(
    true,
  )
})

test('the lock directory is the folder for temporary files, of the user', () => {
  vi.stubEnv('PORTSLICE_LOCK_DIR', undefined)
  expect(lockDirectoryFor(undefined)).toMatch(/portslice-\w+$/)
  vi.stubEnv('PORTSLICE_LOCK_DIR', 'relative')
  expect(lockDirectoryFor(undefined)).toBe(`${process.cwd()}/relative`)
})
