import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { drawChart } from './charts.ts'
import type { Machine } from './machine.ts'
import type { Measured, Row, Table, Target } from './row.ts'

const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url))
const BEGIN = '<!-- measured: written by `pnpm run bench` -->'
const END = '<!-- end of what was measured -->'

export interface Result {
  row: Row
  /** Or the error that stopped it. */
  measured: Measured | Error
}

export function formatMachine({ facts, warnings }: Machine): string {
  return [...facts.map(([name, value]) => `${name}: ${value}`), ...warnings].join('\n')
}

export function formatResult({ row, measured }: Result, seconds: number): string {
  const heading = `\n${row.name} (${seconds.toFixed(0)} s)`
  if (measured instanceof Error) return `${heading}\n\n${measured.stack}`
  return [
    heading,
    ...measured.tables.map((table) => `\n${table.caption}\n\n${tableText(table)}`),
    '',
    ...measured.targets.map(
      (each) => `${judged(each)}: ${each.target}: ${each.measured}${floorOf(each)}`,
    ),
  ].join('\n')
}

/**
 * Writes the page and its charts. Text outside of the markers in docs/performance.md is kept.
 *
 * @param folder default: docs/
 */
export function writePage(results: readonly Result[], machine: Machine, folder?: string): void {
  const text = readFileSync(PAGE, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/performance.md lacks the markers ${BEGIN} and ${END}.`)
  }
  const target = folder ?? path.dirname(PAGE)
  const images = path.join(target, 'images')
  mkdirSync(images, { recursive: true })
  for (const { measured } of results) {
    if (measured instanceof Error) continue
    for (const chart of measured.charts) {
      writeFileSync(path.join(images, `${chart.file}.svg`), drawChart(chart))
    }
  }
  const body = [summary(results), surroundings(machine), ...results.map(section)].join('\n\n')
  const page = [before, BEGIN, '\n\n', body, '\n\n', END, after].join('')
  writeFileSync(path.join(target, path.basename(PAGE)), page)
}

function summary(results: readonly Result[]): string {
  const rows = results.flatMap(({ row, measured }) =>
    measured instanceof Error
      ? [[row.name, '', 'could not be measured', '', 'no']]
      : measured.targets.map((each) => [
          row.name,
          each.target,
          each.measured,
          each.floor ?? '',
          judged(each),
        ]),
  )
  const head = ['what', 'target', 'reached', 'floor', 'met']
  return `## Targets\n\n${tableText({ head, rows }, 'l')}`
}

function surroundings({ facts, warnings }: Machine): string {
  const rows = facts.map((fact) => [...fact])
  return [
    '## Machine and versions',
    ...warnings.map((warning) => `> **Warning.** ${warning}`),
    tableText({ head: ['', ''], rows }, 'l'),
  ].join('\n\n')
}

function section({ row, measured }: Result): string {
  const parts = [`## ${row.name}`, row.how]
  if (measured instanceof Error) {
    parts.push(`It could not be measured in this run: ${escaped(measured.message.slice(0, 300))}`)
  } else {
    const targets = measured.targets.map(
      (each) => `- ${each.target}: **${each.measured}**${floorOf(each)}${verdict(each)}`,
    )
    parts.push(targets.join('\n'))
    for (const table of measured.tables) parts.push(`${table.caption}:`, tableText(table))
    for (const { title, file } of measured.charts) parts.push(`![${title}](images/${file}.svg)`)
  }
  return parts.join('\n\n')
}

function floorOf({ floor }: Target): string {
  return floor === undefined ? '' : ` (the floor is ${floor})`
}

function verdict({ met }: Target): string {
  return met === undefined ? '' : met ? ', met' : ', **missed**'
}

function judged({ met }: Target): string {
  return met === undefined ? '–' : met ? 'met' : 'missed'
}

/** @param align of all columns except the first */
function tableText({ head, rows }: Pick<Table, 'head' | 'rows'>, align: 'l' | 'r' = 'r'): string {
  const cells = [head, ...rows].map((row) => row.map(escaped))
  return markdownTable(cells, { align: head.map((_, index) => (index === 0 ? 'l' : align)) })
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}
