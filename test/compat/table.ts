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

/** The row and the column of a table. */
export interface Place {
  table: 'vitest' | 'playwright' | 'node' | 'runtime'
  row: string
  column: string
}

export type Result = Place & { verdict: Verdict }

export function printed({ table, row, column, verdict }: Result, seconds: number): string {
  const name = `${table} ${row} × ${column}`
  if ('skipped' in verdict) return `- ${name}: ${verdict.skipped}`
  if (verdict.passed) return `✓ ${name} (${seconds.toFixed(1)} s)`
  return `✗ ${name}: ${verdict.reason}\n${verdict.output.trim().replaceAll(/^/gm, '    ')}`
}

export function writePage(results: readonly Result[]): void {
  const nodes = NODES.map((node) => `Node ${node}`)
  const tables = [
    '### `@portslice/vitest-plugin`',
    tableOf(results, 'vitest', 'vitest', rowsOf(results, 'vitest'), POOLS.map(nameOf)),
    '### `@portslice/playwright-fixture`',
    tableOf(results, 'playwright', '@playwright/test', [...PLAYWRIGHTS], nodes),
    '### What needs only Node',
    tableOf(results, 'node', '', rowsOf(results, 'node'), nodes),
    MACHINE,
  ]
  replaceBetween(BEGIN, END, tables)
}

export function writeRuntimes(results: readonly Result[]): void {
  const columns = results.filter(({ table }) => table === 'runtime').map(({ column }) => column)
  const page = readFileSync(PAGE, 'utf8')
  replaceBetween(RUNTIMES_BEGIN, RUNTIMES_END, [
    tableOf(
      results.map((result) => earlierIfNotTried(result, page)),
      'runtime',
      '',
      rowsOf(results, 'runtime'),
      [...new Set(columns)],
    ),
    MACHINE,
  ])
}

/** What this machine cannot try keeps the mark that another machine gave it. */
function earlierIfNotTried(result: Result, page: string): Result {
  if (!('skipped' in result.verdict)) return result
  const [, table = ''] = page.split(RUNTIMES_BEGIN)
  const lines = (table.split(RUNTIMES_END)[0] ?? '').split('\n').map((line) => line.split(' | '))
  const column = lines.find((cells) => cells.some(isColumn(result)))?.findIndex(isColumn(result))
  const row = lines.find(([first]) => first === `| ${result.row}`)
  const isPassed = row?.[column ?? -1]?.replace(/ \|$/, '') === '✓'
  return isPassed ? { ...result, verdict: { passed: true } } : result
}

function isColumn({ column }: Result): (cell: string) => boolean {
  return (cell) => cell.replace(/ \|$/, '') === column
}

const MACHINE = `On ${os.type()} ${os.release()}, ${os.arch()}, ${os.availableParallelism()} cores.`

/** Replaces what stands between two marks of the page. */
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
