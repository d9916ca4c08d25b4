/** Formats the results: lines on the terminal, and the tables of docs/compatibility.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import type { Verdict } from './job.ts'
import { NODES, nameOf, PLAYWRIGHTS, POOLS, type VITESTS } from './versions.ts'

const PAGE = new URL('../../docs/compatibility.md', import.meta.url)
const BEGIN = '<!-- tables: written by `pnpm run compat` -->'
const END = '<!-- end of tables -->'
const RUNTIMES_BEGIN = '<!-- runtimes: written by `pnpm run compat runtime` -->'
const RUNTIMES_END = '<!-- end of runtimes -->'
/** With more columns, readers have to scroll sideways. */
const COLUMNS_ON_PHONE = 3

/** The row and the column of a table. */
export interface Place {
  table: 'vitest' | 'playwright' | 'node' | 'runtime'
  row: string
  column: string
}

export type Result = Place & { verdict: Verdict }

export function formatResult({ table, row, column, verdict }: Result, seconds: number): string {
  const name = `${table} ${row} × ${column}`
  if ('skipped' in verdict) return `- ${name}: ${verdict.skipped}`
  if (verdict.passed) return `✓ ${name} (${seconds.toFixed(1)} s)`
  return `✗ ${name}: ${verdict.reason}\n${verdict.output.trim().replaceAll(/^/gm, '    ')}`
}

export function writePage(results: readonly Result[]): void {
  const nodes = NODES.map((node) => `Node ${node}`)
  const vitest = mergeResults(
    results.filter(({ table }) => table === 'vitest'),
    ({ row }) => {
      const [version = '', node = ''] = row.split(' on ')
      return { row: version, column: node }
    },
  )
  const all = nodes.join(', ')
  const onAnyNode = mergeResults(
    results.filter(({ table }) => table === 'node'),
    ({ row }) => ({ row, column: all }),
  )
  const tables = [
    '### `@portslice/vitest-plugin`',
    `In each pool: ${POOLS.map((pool) => `\`${nameOf(pool)}\``).join('; ')}.`,
    tableOf(vitest, 'vitest', 'vitest', rowsOf(vitest, 'vitest'), nodes),
    '### `@portslice/playwright-fixture`',
    tableOf(results, 'playwright', 'Playwright', [...PLAYWRIGHTS], nodes),
    '### What needs only Node',
    tableOf(onAnyNode, 'node', 'package', rowsOf(onAnyNode, 'node'), [all]),
    MACHINE,
  ]
  replaceBetween(BEGIN, END, tables)
}

export function writeRuntimes(results: readonly Result[]): void {
  const page = readFileSync(PAGE, 'utf8')
  const runtimes = results
    .filter(({ table }) => table === 'runtime')
    .map((result) => keepEarlierIfSkipped(result, page))
  const rows = rowsOf(runtimes, 'runtime')
  const columns = [...new Set(runtimes.map(({ column }) => column))]
  replaceBetween(RUNTIMES_BEGIN, RUNTIMES_END, [
    ...inGroups(columns, COLUMNS_ON_PHONE).map((group) =>
      tableOf(runtimes, 'runtime', '', rows, group),
    ),
    MACHINE,
  ])
}

/** One result for all that have the same place: the first failure, else the first that was run. */
function mergeResults(
  results: readonly Result[],
  placeOf: (result: Result) => Pick<Place, 'row' | 'column'>,
): Result[] {
  const byPlace = new Map<string, Result>()
  for (const result of results) {
    const place = placeOf(result)
    const key = `${place.row} × ${place.column}`
    const before = byPlace.get(key)
    if (before === undefined || weightOf(result.verdict) > weightOf(before.verdict)) {
      byPlace.set(key, { ...result, ...place, verdict: withPlace(result) })
    }
  }
  return [...byPlace.values()]
}

/** A failure replaces a pass, and a pass replaces a job that was not run. */
function weightOf(verdict: Verdict): number {
  if ('skipped' in verdict) return 0
  return verdict.passed ? 1 : 2
}

/** Adds the place of a failure to its reason. */
function withPlace({ row, column, verdict }: Result): Verdict {
  if ('skipped' in verdict || verdict.passed) return verdict
  return { ...verdict, reason: `${row}, ${column}: ${verdict.reason}` }
}

/** If this machine cannot run a job, keeps the mark that another machine gave it. */
function keepEarlierIfSkipped(result: Result, page: string): Result {
  if (!('skipped' in result.verdict)) return result
  const lines = (page.split(RUNTIMES_BEGIN)[1]?.split(RUNTIMES_END)[0] ?? '').split('\n')
  let columns: string[] = []
  for (const line of lines) {
    const [first, ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    if (first === '') columns = cells
    const isPassed = first === result.row && cells[columns.indexOf(result.column)] === '✓'
    if (isPassed) return { ...result, verdict: { passed: true } }
  }
  return result
}

function inGroups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  )
}

const MACHINE = `On ${os.type()} ${os.release()}, ${os.arch()}, ${os.availableParallelism()} cores.`

/** Replaces the text between two marks of the page. */
function replaceBetween(begin: string, end: string, paragraphs: readonly string[]): void {
  const text = readFileSync(PAGE, 'utf8')
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/compatibility.md has lost the marks of its tables: ${begin} and ${end}.`)
  }
  writeFileSync(PAGE, [before, begin, '\n\n', paragraphs.join('\n\n'), '\n\n', end, after].join(''))
}

function rowsOf(results: readonly Result[], table: Place['table']): string[] {
  return [...new Set(results.filter((each) => each.table === table).map(({ row }) => row))]
}

function tableOf(
  results: readonly Result[],
  table: Place['table'],
  corner: string,
  rows: readonly string[],
  columns: readonly string[],
): string {
  const cell = (row: string, column: string) => {
    const found = results.find(
      (each) => each.table === table && each.row === row && each.column === column,
    )
    return found ? markOf(found.verdict) : ''
  }
  return [
    lineOf([corner, ...columns]),
    `|---|${columns.map(() => '---|').join('')}`,
    ...rows.map((row) => lineOf([row, ...columns.map((column) => cell(row, column))])),
  ].join('\n')
}

function markOf(verdict: Verdict): string {
  if ('skipped' in verdict) return `– ${verdict.skipped}`
  return verdict.passed ? '✓' : `✗ ${verdict.reason}`
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`
}

export const vitestRow = (vitest: (typeof VITESTS)[number], node: string) =>
  `${vitest} on Node ${node}`
