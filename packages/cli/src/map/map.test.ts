import type { SliceStatus } from '@portslice/core/internal/inspect'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatHolders } from '../list/format-holder.js'
import { hideClaimedSlices } from '../list/hide-claimed-slices.js'
import { coloursFor } from '../terminal/colours.js'
import { widthOf } from '../terminal/format.js'
import { escapeXml } from './escape-xml.js'
import { createRangeSnapshot } from './range-snapshot.js'
import { mapSvg } from './svg.js'
import { mapText } from './text.js'

const RANGE = { first: 20_000, last: 20_191 }
const SLICES = [20_000, 20_032, 20_064, 20_096, 20_128, 20_160]
const holder = {
  pid: 4711,
  host: '',
  runner: 'vitest',
  workerId: 1,
  cwd: '/',
  projectRoot: '/',
  command: '',
  since: '',
}
const STATUSES: SliceStatus[] = [
  {
    first: 20_032,
    last: 20_063,
    state: 'held',
    holder,
    ports: [
      { port: 20_032, state: 'out', listening: false },
      { port: 20_033, state: 'out', listening: true },
    ],
  },
  {
    first: 20_064,
    last: 20_095,
    state: 'held',
    holder,
    ports: [{ port: 20_070, state: 'leaked', listening: true }],
  },
  {
    first: 20_096,
    last: 20_127,
    state: 'abandoned',
    ports: [{ port: 20_096, state: 'quarantined', listening: false }],
  },
  { first: 20_128, last: 20_159, state: 'held', ports: [] },
]
const CLAIM = { port: 20_001, pid: 1, cwd: '', command: 'make', since: '', listening: false }
const LISTENING = new Set([20_033, 20_040, 20_070, 20_130, 20_165, 20_159])
const OWNERS = new Map([[20_165, 'postgres, pid 812']])

const snapshot = createRangeSnapshot([RANGE], SLICES, STATUSES, [CLAIM], LISTENING)
const options = { colours: coloursFor({}, {}), columns: 80, owners: OWNERS }

test('the state of each slice and port', () => {
  expect(snapshot.slices.map(({ state }) => state)).toEqual([
    'held', // claimed
    'listening',
    'leaked',
    'quarantined',
    'listening', // its journal is elsewhere, so the listener counts as its holder's
    'foreign',
  ])
  expect(snapshot.slices[1]?.ports.slice(0, 10)).toEqual([
    'held',
    'listening',
    ...Array(6).fill('free'),
    'foreign',
    'free',
  ])
  for (const { ports } of snapshot.slices) expect(ports).toHaveLength(31)
})

test('the text map', () => {
  expect(mapText(snapshot, options)).toBe(`\
· free   ▒ held   █ listening   ! leaked   ~ quarantined   x foreign

20000  ▒█!~█x

20000  ·▒·····························  20001 claimed by make, pid 1
20032  ▒█······x······················  vitest worker 1, pid 4711; 20040 anothe…
20064  ······!························  vitest worker 1, pid 4711
20096  ~······························
20128  ··█····························  a process whose journal is in another l…
20160  ·····x·························  20165 postgres, pid 812

20000-20191: 6 slices of 32 ports, 3 held, 3 ports out, 1 claimed.
`)
})

test('a slice is not held if only a claim of its last port makes it look held', () => {
  const held: SliceStatus = { first: 20_000, last: 20_031, state: 'held', ports: [] }
  const left = { port: 20_005, state: 'quarantined', listening: false } as const
  const claim = { ...CLAIM, port: 20_031 }
  const text = mapText(createRangeSnapshot([RANGE], SLICES, [held], [claim], new Set()), options)
  expect(text).toContain('\n20000  ▒·····\n')
  expect(text).toContain(`${'·'.repeat(31)}  20031 claimed by make, pid 1\n`)
  expect(text).toContain('0 held, 0 ports out, 1 claimed.')
  expect(hideClaimedSlices([held], [claim])).toEqual([])
  expect(hideClaimedSlices([{ ...held, ports: [left] }], [claim])).toEqual([
    { ...held, state: 'abandoned', ports: [left] },
  ])
  expect(hideClaimedSlices([{ ...held, holder }], [claim])).toEqual([{ ...held, holder }])
  expect(hideClaimedSlices([held], [CLAIM])).toEqual([held])
  expect(formatHolders([held], [claim], 1)).toBe('20000 (port 20031 is claimed by make, pid 1)')
})

test('no line is wider than the terminal', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 0, max: 700 }),
      fc.boolean(),
      (columns, count, isBusy) => {
        const slices = Array.from({ length: count }, (_, index) => 10_016 + 32 * index)
        const statuses = isBusy
          ? slices.map(
              (first): SliceStatus => ({
                first,
                last: first + 31,
                state: 'held',
                holder,
                ports: [],
              }),
            )
          : []
        const range = { first: 10_000, last: 32_767 }
        const text = mapText(createRangeSnapshot([range], slices, statuses, [], LISTENING), {
          ...options,
          columns,
        })
        for (const line of text.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns)
      },
    ),
    { numRuns: 60 },
  )
})

test('the SVG needs no other files, supports light and dark, and escapes text', () => {
  const statuses = STATUSES.map((status) =>
    status.holder
      ? { ...status, holder: { ...holder, runner: `</svg><script>"'&\u0000` } }
      : status,
  )
  const svg = mapSvg(createRangeSnapshot([RANGE], SLICES, statuses, [CLAIM], LISTENING), OWNERS)
  expect(svg).toMatch(/^<svg [^>]+viewBox=/)
  expect(svg).not.toMatch(/<script|href|url\(|@import|<image/)
  expect(svg).toContain('&lt;/svg&gt;&lt;script&gt;&quot;&#39;&amp;')
  expect(svg).toContain('prefers-color-scheme: dark')
  // 6 of the legend, 6 slices, 31 ports each, and the ground.
  expect(svg.match(/<rect/g)).toHaveLength(6 + 6 + 6 * 31 + 1)
  expect(svg.match(/<title>/g)?.length).toBeGreaterThan(6)
})

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not appear
const NOT_IN_XML = /[<>"'\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

/** Also control characters and lone surrogates; `fc.string` of them takes seconds to prepare. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })))
  .map((codes) => String.fromCharCode(...codes))

test('escaped text is valid XML', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(escapeXml(text)).not.toMatch(NOT_IN_XML)
      expect(escapeXml(text).replaceAll(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&')
    }),
  )
  expect(escapeXml('\ud800 lone')).toBe('? lone')
})
