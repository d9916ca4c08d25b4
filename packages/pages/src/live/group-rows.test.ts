import { expect, test } from 'vitest'
import { FOREIGN_ROOT, groupRows } from './group-rows.js'
import type { PortState, Row, Rows, SliceRow } from './rows.js'

const slice = (first: number, more: Partial<SliceRow> = {}): SliceRow => ({
  kind: 'slice',
  first,
  state: 'held',
  run: 'vitest 1',
  name: 'vitest',
  workerId: 1,
  projectRoot: '/home/ann/shop',
  pid: 7,
  ...more,
})

const port = (number: number, state: PortState, label = ''): Row => ({
  kind: 'port',
  port: number,
  state,
  slice: number - (number % 32),
  label,
})

const rowsOf = (...rows: Row[]): Rows =>
  Object.fromEntries(rows.map((row, index) => [`${row.kind} ${index}`, row]))

const ROWS = rowsOf(
  slice(20_000),
  slice(20_032, { workerId: 2, pid: 8 }),
  port(20_001, 'out', 'cart > adds'),
  port(20_000, 'listening', 'api'),
  port(20_032, 'leaked', 'mail'),
  port(20_065, 'foreign'),
  {
    kind: 'claim',
    port: 3000,
    state: 'listening',
    pid: 9,
    directory: '/home/ann/shop/web',
    command: 'vite',
    since: '2026-01-01T00:00:00.000Z',
  },
)

test('a project has one group for the workers of a run, and one for each claim', () => {
  const { roots, counts } = groupRows(ROWS, '', undefined)
  expect(roots.map(({ root }) => root)).toEqual(['/home/ann/shop', FOREIGN_ROOT])
  expect(roots[0]?.runs.map(({ name, workers }) => ({ name, workers }))).toEqual([
    { name: 'vitest', workers: 2 },
    { name: 'vite', workers: 0 },
  ])
  expect(roots[0]?.runs[0]?.lines.map((line) => `${line.port} ${line.holder}`)).toEqual([
    '20000 worker 1',
    '20001 worker 1',
    '20032 worker 2',
  ])
  expect(counts).toEqual({ listening: 2, out: 1, leaked: 1, quarantined: 0, foreign: 1 })
})

test('a cell of the map shows the most important state of its ports', () => {
  const { cells } = groupRows(ROWS, '', undefined)
  expect(Object.fromEntries(cells)).toEqual({
    2976: 'listening',
    20000: 'listening',
    20032: 'leaked',
    20064: 'foreign',
  })
})

test.each([
  ['api', undefined, [20_000]],
  ['SHOP cart', undefined, [20_001]],
  ['worker mail', undefined, [20_032]],
  ['', 'leaked', [20_032]],
  ['api', 'leaked', []],
  ['nothing', undefined, []],
] as const)('the search %j for the state %s finds %j', (query, state, ports) => {
  const { roots } = groupRows(ROWS, query, state)
  expect(
    roots.flatMap(({ runs }) => runs.flatMap(({ lines }) => lines.map((l) => l.port))),
  ).toEqual(ports)
})

test('quarantined ports of an earlier holder do not belong to the current holder', () => {
  const { roots } = groupRows(rowsOf(slice(20_000), port(20_003, 'quarantined')), '', undefined)
  expect(roots[0]?.runs[0]?.lines[0]?.holder).toBe('')
})
