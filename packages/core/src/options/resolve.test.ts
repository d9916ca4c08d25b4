import { afterEach, describe, expect, test, vi } from 'vitest'
import { sentinelOf, slicesIn } from '../slice/layout.js'
import { resolveOptions } from './resolve.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('options come before environment variables', () => {
  vi.stubEnv('PORTSLICE_RANGE', '20000-20999')
  vi.stubEnv('PORTSLICE_SHARD', '1/2')
  vi.stubEnv('PORTSLICE_LOCK_DIR', '/somewhere')
  expect(resolveOptions()).toMatchObject({
    ranges: [{ first: 20_000, last: 20_999 }],
    shard: { index: 1, total: 2, isStrict: true },
    lockDirectory: '/somewhere',
  })
  expect(
    resolveOptions({
      range: [30_000, 30_999],
      shard: { index: 3, total: 3 },
      lockDirectory: '/elsewhere',
    }),
  ).toMatchObject({
    ranges: [{ first: 30_000, last: 30_999 }],
    shard: { index: 3, total: 3, isStrict: true },
    lockDirectory: '/elsewhere',
  })
})

test('shards have no slice in common, and together use the whole range', () => {
  const shards = [1, 2, 3].map((index) =>
    resolveOptions({ range: [20_000, 29_999], shard: { index, total: 3 } }),
  )
  const slices = shards.flatMap((resolved) => [...resolved.slices])
  expect(slices.sort((a, b) => a - b)).toEqual(slicesIn({ first: 20_000, last: 29_999 }))
})

test('more shards than slices are refused', () => {
  expect(() => resolveOptions({ range: [20_000, 20_063], shard: { index: 1, total: 3 } })).toThrow(
    expect.objectContaining({ code: 'ERR_PORTSLICE_SHARD_INVALID' }),
  )
})

test('guards ephemeral ports by default', () => {
  vi.stubEnv('PORTSLICE_RANGE', undefined)
  const inDefaultRange = [...resolveOptions().slices][0] as number
  expect(resolveOptions().needsTimeWait(inDefaultRange)).toBe(false)
  expect(resolveOptions({ timeWaitGuard: 'always' }).needsTimeWait(inDefaultRange)).toBe(true)
  // 50000 lies in the default ephemeral range of Linux, macOS and Windows.
  expect(resolveOptions().needsTimeWait(50_000)).toBe(true)
  expect(resolveOptions({ timeWaitGuard: 'never' }).needsTimeWait(50_000)).toBe(false)
})

test('never uses a sentinel outside of the range', () => {
  const slices = [...resolveOptions({ range: [20_001, 20_100] }).slices]
  expect(slices.every((slice) => slice >= 20_001 && sentinelOf(slice) <= 20_100)).toBe(true)
})

describe('a shard that was only detected', () => {
  const range = [20_000, 20_999] as const // 31 slices
  const slicesOf = (index: number, total: number) => {
    vi.stubEnv('CI_NODE_INDEX', `${index}`)
    vi.stubEnv('CI_NODE_TOTAL', `${total}`)
    const resolved = resolveOptions({ range })
    return { ...resolved, slices: [...resolved.slices] }
  }

  test('decides which part is tried first, and all of the range can be used', () => {
    const all = slicesIn({ first: 20_000, last: 20_999 })
    const { slices, shard } = slicesOf(2, 2)
    expect(shard).toEqual({ index: 2, total: 2, isStrict: false })
    expect(slices.slice(0, 16).sort((a, b) => a - b)).toEqual(all.slice(15))
    expect([...slices].sort((a, b) => a - b)).toEqual(all)
  })

  test('may be one of more shards than there are slices', () => {
    const jobs = Array.from({ length: 40 }, (_, i) => slicesOf(i + 1, 40).slices)
    for (const slices of jobs) expect(slices).toHaveLength(31)
    expect(new Set(jobs.map(([first]) => first)).size).toBe(31)
  })

  test('is ignored if it is invalid', () => {
    expect(slicesOf(9, 4)).toMatchObject({ shard: undefined })
  })

  test('is passed on by a test runner', () => {
    vi.stubEnv('CI_NODE_INDEX', '1')
    vi.stubEnv('CI_NODE_TOTAL', '40')
    vi.stubEnv('PORTSLICE_RUNNER_SHARD', '2/2')
    expect(resolveOptions({ range }).shard).toEqual({ index: 2, total: 2, isStrict: false })
  })
})

test('slices that overlap the NodePorts of Kubernetes are tried last, also in a range of the user', () => {
  const slices = [...resolveOptions({ range: [29_000, 33_791], timeWaitGuard: 'never' }).slices]
  const isNodePort = (slice: number) => sentinelOf(slice) >= 30_000 && slice <= 32_767
  expect(slices.map(isNodePort)).toEqual(slices.map(isNodePort).sort((a, b) => +a - +b))
  expect(slices.filter(isNodePort)).toHaveLength(87)
})

test('without files there is no lock directory', () => {
  expect(resolveOptions({ lockDirectory: false }).lockDirectory).toBeUndefined()
})

test('with a coordinator, the default wait is longer than its recovery of 30 s', () => {
  const remote = { host: 'db.internal', coordinator: 'redis://db.internal' }
  expect(resolveOptions(remote).waitTimeout).toBeGreaterThan(30_000)
  expect(resolveOptions({ ...remote, waitTimeout: 5 }).waitTimeout).toBe(5)
  expect(resolveOptions().waitTimeout).toBe(10_000)
})
