import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defaultRanges,
  formatRanges,
  hash,
  holdableSlices,
  type PortRange,
  partOf,
  portsOf,
  preferenceClasses,
  SLICE_SIZE,
  SliceRuns,
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
        const differing = slicesIn(b).flatMap((slice) =>
          portsOf(slice).filter((port) => (portsOfA.get(port) ?? slice) !== slice),
        )
        expect(differing).toEqual([])
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

test('runs of slices have the same slices as arrays', () => {
  const range = fc.tuple(fc.nat(65_535), fc.nat(3000)).map(([first, size]) => ({
    first,
    last: Math.min(65_535, first + size),
  }))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 3 }), fc.nat(150), fc.nat(150), (ranges, a, b) => {
      const array = ranges.flatMap(slicesIn)
      const runs = SliceRuns.in(ranges)
      expect(runs).toHaveLength(array.length)
      expect([...runs]).toEqual(array)
      expect([...runs.slice(a, b)]).toEqual(array.slice(a, b))
      expect([...runs.slice(a).concat(runs.slice(0, b))]).toEqual([
        ...array.slice(a),
        ...array.slice(0, b),
      ])
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

const ports = fc
  .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))

const isIn = (range: PortRange) => (slice: number) =>
  slice <= range.last && sentinelOf(slice) >= range.first
const isNodePort = isIn({ first: 30_000, last: 32_767 })

describe('defaultRanges', () => {
  test.each([
    ['Linux', [32_768, 60_999], '10000-32767'],
    ['macOS and Windows', [49_152, 65_535], '10000-49151'],
    ['with little room below', [10_100, 60_999], '10000-10099, 61000-65535'],
    ['with little room above', [10_100, 65_000], '10000-65535'],
    ['with no room above', [10_100, 65_535], '10000-65535'],
    ['below all of it', [1024, 4999], '10000-65535'],
    ['at its beginning', [10_000, 20_000], '20001-65535'],
    ['all ports', [1024, 65_535], '10000-65535'],
  ])('%s: %j', (_, [first, last], expected) => {
    const ephemeral = { first: first as number, last: last as number }
    expect(formatRanges(defaultRanges(ephemeral))).toBe(expected)
  })

  test('give 64 slices or more, and ephemeral ones only if there are fewer without', () => {
    fc.assert(
      fc.property(ports, (ephemeral) => {
        const slices = defaultRanges(ephemeral).flatMap(slicesIn)
        expect(slices).toEqual([...new Set(slices)].sort((a, b) => a - b))
        expect(slices.length).toBeGreaterThanOrEqual(64)
        expect(Math.min(...slices)).toBeGreaterThanOrEqual(10_000)
        const outside = slicesIn({ first: 10_000, last: 65_535 }).filter(
          (slice) => !isIn(ephemeral)(slice),
        )
        if (outside.length >= 64) expect(slices.filter(isIn(ephemeral))).toEqual([])
        else expect(slices).toEqual(slicesIn({ first: 10_000, last: 65_535 }))
      }),
    )
  })

  test('stay below the ephemeral range if there are 64 slices', () => {
    fc.assert(
      fc.property(ports, (ephemeral) => {
        const below = slicesIn({ first: 10_000, last: ephemeral.first - 1 })
        if (below.length < 64) return
        expect(defaultRanges(ephemeral).flatMap(slicesIn)).toEqual(below)
      }),
    )
  })
})

describe('preferenceClasses', () => {
  test('have each slice once: ephemeral ones after others, and NodePorts last', () => {
    fc.assert(
      fc.property(range, ports, (within, ephemeral) => {
        const slices = slicesIn(within)
        const classes = preferenceClasses(SliceRuns.in([within]), ephemeral).map((each) => [
          ...each,
        ])
        expect(classes.flat().sort((a, b) => a - b)).toEqual(slices)
        const ranks = classes.map((each) => {
          const rank = (slice: number) => [isNodePort(slice), isIn(ephemeral)(slice)].map(Number)
          expect(new Set(each.map((slice) => `${rank(slice)}`)).size).toBe(1)
          expect(each).toEqual([...each].sort((a, b) => a - b))
          return `${rank(each[0] as number)}`
        })
        expect(ranks).toEqual([...new Set(ranks)].sort())
      }),
    )
  })
})

describe('trialOrder', () => {
  const slices = fc
    .integer({ min: 1, max: 800 })
    .map((count) => SliceRuns.in([{ first: 10_016, last: 10_015 + count * 32 }]))
  const classes = fc
    .tuple(range, ports)
    .map(([within, e]) => preferenceClasses(SliceRuns.in([within]), e))
  const worker = fc.integer({ min: 1, max: 10_000 })
  const shard = fc
    .tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 500 }))
    .map(([index, others]) => ({ index, total: index + others }))
  const orderOf = (all: SliceRuns, projectRoot: string, workerId: number) => [
    ...trialOrder([all], { projectRoot, workerId }),
  ]

  test('tries every slice exactly once, one class after the other', () => {
    fc.assert(
      fc.property(
        classes,
        fc.string(),
        worker,
        fc.option(shard, { nil: undefined }),
        (all, projectRoot, workerId, preferredShard) => {
          const order = [...trialOrder(all, { projectRoot, workerId, preferredShard })]
          let at = 0
          for (const each of all) {
            const tried = order.slice(at, at + each.length)
            expect(tried.sort((a, b) => a - b)).toEqual([...each])
            at += each.length
          }
          expect(order).toHaveLength(at)
        },
      ),
    )
  })

  test('tries the part of a preferred shard first', () => {
    fc.assert(
      fc.property(slices, fc.string(), worker, shard, (all, projectRoot, workerId, shard) => {
        const part = [...partOf(all, shard)]
        const order = [...trialOrder([all], { projectRoot, workerId, preferredShard: shard })]
        expect(order.slice(0, part.length).sort((a, b) => a - b)).toEqual(part)
      }),
    )
  })

  test('starts preferred shards at different slices, as long as there are enough', () => {
    fc.assert(
      fc.property(slices, fc.string(), worker, (all, projectRoot, workerId) => {
        const firsts = [...all].map((_, i) => {
          const preferredShard = { index: i + 1, total: all.length }
          return [...trialOrder([all], { projectRoot, workerId, preferredShard })][0]
        })
        expect(new Set(firsts).size).toBe(all.length)
      }),
      { numRuns: 20 },
    )
  })

  test('starts the workers of a project at different slices, as long as there are enough', () => {
    fc.assert(
      fc.property(slices, fc.string(), (all, projectRoot) => {
        const firsts = [...all].map((_, i) => orderOf(all, projectRoot, i + 1)[0])
        expect(new Set(firsts).size).toBe(all.length)
      }),
      { numRuns: 20 },
    )
  })

  test('is the same each time, and another one for most other projects', () => {
    const all = SliceRuns.in([{ first: 10_000, last: 32_767 }])
    const firsts = () =>
      Array.from({ length: 100 }, (_, i) => orderOf(all, `/home/me/tree-${i}`, 1)[0])
    expect(firsts()).toEqual(firsts())
    expect(new Set(firsts()).size).toBeGreaterThan(80)
  })

  test('does not send a worker to its neighbour for a second slice', () => {
    const all = SliceRuns.in([{ first: 10_000, last: 32_767 }])
    const order = orderOf(all, '/home/me/tree', 1)
    expect(Math.abs((order[1] as number) - (order[0] as number))).toBeGreaterThan(64 * SLICE_SIZE)
  })
})

test('the hash is FNV-1a', () => {
  // Test vectors of the algorithm's authors: http://www.isthe.com/chongo/tech/comp/fnv/
  expect(hash('')).toBe(0x811c9dc5)
  expect(hash('a')).toBe(0xe40c292c)
  expect(hash('foobar')).toBe(0xbf9cf968)
})

test('slices whose sentinel is excluded are left out, unless that leaves none', () => {
  const slices = SliceRuns.in([{ first: 20_000, last: 20_095 }])
  const holdable = (...excluded: PortRange[]) => [...holdableSlices(slices, excluded)]
  expect(holdable()).toEqual([20_000, 20_032, 20_064])
  // The sentinel of the first one, and a port of the second one.
  expect(holdable({ first: 20_031, last: 20_032 })).toEqual([20_032, 20_064])
  expect(holdable({ first: 19_000, last: 21_000 })).toEqual([...slices])
})
