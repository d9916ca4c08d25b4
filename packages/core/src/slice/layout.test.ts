import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  hash,
  partOf,
  portsOf,
  SLICE_SIZE,
  sentinelOf,
  sliceOf,
  slicesIn,
  trialOrder,
} from './layout.js'

const range = fc
  .tuple(fc.integer({ min: 1024, max: 65_535 }), fc.integer({ min: 1024, max: 65_535 }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))

describe('slicesIn', () => {
  test('gives every whole slice of the range, and nothing outside', () => {
    fc.assert(
      fc.property(range, ({ first, last }) => {
        const slices = slicesIn({ first, last })
        const expected: number[] = []
        for (let port = first; port <= last; port++) {
          if (port % SLICE_SIZE === 0 && port + SLICE_SIZE - 1 <= last) expected.push(port)
        }
        expect(slices).toEqual(expected)
      }),
    )
  })

  test('two ranges agree on the slices that they share', () => {
    fc.assert(
      fc.property(range, range, (a, b) => {
        const portsOfA = new Map(slicesIn(a).flatMap((s) => portsOf(s).map((p) => [p, s])))
        for (const slice of slicesIn(b)) {
          for (const port of portsOf(slice)) {
            if (portsOfA.has(port)) expect(portsOfA.get(port)).toBe(slice)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

test('a slice hands out all its ports but the sentinel', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
      const slice = sliceOf(port)
      expect(slice % SLICE_SIZE).toBe(0)
      expect([...portsOf(slice), sentinelOf(slice)]).toContain(port)
      expect(portsOf(slice)).not.toContain(sentinelOf(slice))
      expect(portsOf(slice)).toHaveLength(SLICE_SIZE - 1)
    }),
  )
})

describe('partOf', () => {
  test('cuts the slices into disjoint contiguous parts that cover all and differ by one at most', () => {
    fc.assert(
      fc.property(fc.nat(800), fc.integer({ min: 1, max: 64 }), (count, total) => {
        const slices = Array.from({ length: count }, (_, i) => i)
        const parts = Array.from({ length: total }, (_, i) =>
          partOf(slices, { index: i + 1, total }),
        )
        expect(parts.flat()).toEqual(slices)
        const sizes = parts.map((part) => part.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('trialOrder', () => {
  const slices = fc
    .integer({ min: 1, max: 800 })
    .map((count) => slicesIn({ first: 10_016, last: 10_015 + count * 32 }))
  const worker = fc.integer({ min: 1, max: 10_000 })

  test('tries every slice exactly once', () => {
    fc.assert(
      fc.property(slices, fc.string(), worker, (all, checkout, workerId) => {
        expect(trialOrder(all, checkout, workerId).sort((a, b) => a - b)).toEqual(all)
      }),
    )
  })

  test('starts the workers of a checkout at different slices, as long as there are enough', () => {
    fc.assert(
      fc.property(slices, fc.string(), (all, checkout) => {
        const firsts = all.map((_, i) => trialOrder(all, checkout, i + 1)[0])
        expect(new Set(firsts).size).toBe(all.length)
      }),
      { numRuns: 20 },
    )
  })

  test('is the same each time, and another one for most other checkouts', () => {
    const all = slicesIn({ first: 10_000, last: 32_767 })
    const firsts = Array.from(
      { length: 100 },
      (_, i) => trialOrder(all, `/home/me/tree-${i}`, 1)[0],
    )
    expect(firsts).toEqual(
      Array.from({ length: 100 }, (_, i) => trialOrder(all, `/home/me/tree-${i}`, 1)[0]),
    )
    expect(new Set(firsts).size).toBeGreaterThan(80)
  })

  test('does not send a worker to its neighbour for a second slice', () => {
    const all = slicesIn({ first: 10_000, last: 32_767 })
    const order = trialOrder(all, '/home/me/tree', 1)
    expect(Math.abs((order[1] as number) - (order[0] as number))).toBeGreaterThan(64 * SLICE_SIZE)
  })
})

test('the hash is FNV-1a', () => {
  // Test vectors of the algorithm's authors: http://www.isthe.com/chongo/tech/comp/fnv/
  expect(hash('')).toBe(0x811c9dc5)
  expect(hash('a')).toBe(0xe40c292c)
  expect(hash('foobar')).toBe(0xbf9cf968)
})
