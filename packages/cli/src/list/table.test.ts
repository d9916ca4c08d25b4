import { stripVTControlCharacters } from 'node:util'
import type { SliceStatus } from '@portslice/core/internal/inspect'
import { expect, test } from 'vitest'
import { coloursFor } from '../terminal/colours.js'
import { widthOf } from '../terminal/format.js'
import type { ListedSlice } from './add-slice-owners.js'
import { formatDirectory, formatHolder } from './format-holder.js'
import { formatListJson } from './list-document.js'
import { listTable } from './table.js'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString()

const SLICES: ListedSlice[] = [
  {
    first: 20_000,
    last: 20_031,
    state: 'held',
    holder: {
      pid: 4711,
      host: 'h',
      runner: 'vitest',
      workerId: 3,
      shard: '2/4',
      cwd: '/src/shop',
      projectRoot: '/src/shop',
      command: 'vitest',
      since: ago(200),
    },
    ports: [
      { port: 20_000, state: 'out', label: 'api', listening: true, since: ago(130) },
      { port: 20_001, state: 'out', key: 'https://shop.example', listening: false, since: ago(5) },
      { port: 20_002, state: 'leaked', label: 'cart > pays', listening: true },
    ],
  },
  { first: 20_032, last: 20_063, state: 'held', ports: [] },
  {
    first: 20_064,
    last: 20_095,
    state: 'abandoned',
    ports: [{ port: 20_064, state: 'quarantined', listening: false, until: ago(-18) }],
  },
  {
    first: 20_096,
    last: 20_127,
    state: 'held',
    owner: {
      pid: 812,
      command: '/usr/bin/make serve',
      cwd: '/src/other',
      uid: 0,
    },
    ports: [],
  },
]
const CLAIMS = [
  {
    port: 3000,
    pid: 7,
    cwd: '/src/shop',
    projectRoot: '/src/shop',
    command: '/usr/bin/node /x/portslice.js claim 3000 -- make',
    since: ago(1),
    listening: true,
  },
]
const OPTIONS = { colours: coloursFor({}, {}), now: NOW }

test('a row for each slice, port and claim', () => {
  expect(listTable(SLICES, CLAIMS, OPTIONS)).toBe(`\
PORTS        STATE                   PID   FOR                                                   SINCE  IN
20000-20031  held                    4711  vitest worker 3 (2/4)                                 3 min  /src/shop
  20000      listening                     api                                                   2 min
  20001      out                           https://shop.example                                  5 s
  20002      leaked                        cart > pays
20032-20063  held                          a process whose journal is in another lock directory
20064-20095  abandoned                     a process that has ended
  20064      quarantined, 18 s left
20096-20127  held                    812   make serve (with another lock directory)                     /src/other
3000         claimed, listening      7     portslice claim 3000 -- make                          1 s    /src/shop
`)
})

test('an empty list is a sentence', () => {
  expect(listTable([], [], OPTIONS)).toBe('No ports are out on this machine.\n')
})

test.each([20, 40, 60, 80, 100, 140])('no line is longer than %i columns', (columns) => {
  const long: SliceStatus = { ...(SLICES[0] as SliceStatus), ports: [] }
  long.ports = [{ port: 20_000, state: 'out', label: '日本'.repeat(200), listening: false }]
  const lines = listTable([...SLICES, long], CLAIMS, { ...OPTIONS, columns })
    .trimEnd()
    .split('\n')
  expect(lines).toHaveLength(12)
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
})

test('a narrow terminal shows the pid', () => {
  const table = listTable(SLICES, CLAIMS, { ...OPTIONS, columns: 70 })
  expect(table).toMatch(/^20000-20031 .* 4711 /m)
})

test('colours surround whole lines, also cut ones', () => {
  const colours = coloursFor({}, { FORCE_COLOR: '1' })
  const text = listTable(SLICES, CLAIMS, { ...OPTIONS, colours, columns: 40 })
  expect(text).toContain('\u001b[32m  20000')
  const plain = stripVTControlCharacters(text)
  expect(plain).toBe(listTable(SLICES, CLAIMS, { ...OPTIONS, columns: 40 }))
})

test('text of other processes has no control characters or line breaks', () => {
  const hostile = '\u001b]0;owned\u0007\n20000-20031  held  me\u009b2J'
  const slice = structuredClone(SLICES[0]) as SliceStatus
  Object.assign(slice.holder ?? {}, { runner: hostile, cwd: hostile, command: hostile })
  Object.assign(slice.ports[0] ?? {}, { label: hostile })
  Object.assign(slice.ports[1] ?? {}, { key: hostile })
  const claim = { ...(CLAIMS[0] as (typeof CLAIMS)[0]), command: hostile, cwd: hostile }
  const table = listTable([slice], [claim], OPTIONS)
  expect(table.trimEnd().split('\n')).toHaveLength(6)
  const json = formatListJson({ lockDirectory: hostile, slices: [slice], claims: [claim] })
  for (const text of [table, json]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not appear
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  }
  expect(JSON.parse(json).slices[0].ports[0].label).toBe(hostile)
})

test('without a test runner, a holder is named by its command', () => {
  const holder = SLICES[0]?.holder as NonNullable<SliceStatus['holder']>
  const named = (command: string) =>
    formatHolder({
      pid: 1,
      host: '',
      runner: 'node',
      workerId: 1,
      cwd: '',
      projectRoot: '',
      command,
      since: '',
    })
  expect(named('/usr/bin/node /x/bin/portslice.js run -- make')).toBe(
    'portslice run -- make, pid 1',
  )
  expect(named('C:/node.exe server.js 1')).toBe('server.js 1, pid 1')
  expect(named('/opt/app')).toBe('app, pid 1')
  expect(named('')).toBe('node, pid 1')
  expect(formatHolder(holder)).toBe('vitest worker 3 (2/4), pid 4711')
})

test('the home directory is shown as ~', () => {
  expect(formatDirectory('/home/me/shop', '/home/me')).toBe('~/shop')
  expect(formatDirectory('/home/me', '/home/me')).toBe('~')
  expect(formatDirectory('/home/mean', '/home/me')).toBe('/home/mean')
  expect(formatDirectory('/srv', '/')).toBe('/srv')
})
