/** What happened, for people: a line on the terminal, and the table of the guarantee. */
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { type Fault, isSkipped, type Outcome } from './fault.ts'

const GUARANTEE = new URL('../../docs/faults.md', import.meta.url)
const BEGIN = '<!-- table: written by `pnpm run chaos` -->'
const END = '<!-- end of table -->'

export function printed(fault: Fault, outcome: Outcome, seconds: number): string {
  if (isSkipped(outcome)) return `- ${fault.fault}: skipped, ${outcome.skipped}`
  const mark = outcome.broken.length > 0 ? '✗' : '✓'
  return [
    `${mark} ${fault.fault}: ${outcome.times} times, ${outcome.observed} (${seconds.toFixed(1)} s)`,
    ...outcome.broken.map((sentence) => `    ${sentence}`),
  ].join('\n')
}

/** Replaces what stands between the two marks. */
export function writeGuarantee(results: readonly { fault: Fault; outcome: Outcome }[]): void {
  const text = readFileSync(GUARANTEE, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/faults.md has lost the marks of its table: ${BEGIN} and ${END}.`)
  }
  const rows = results.map(({ fault, outcome }) =>
    isSkipped(outcome)
      ? row(fault.fault, fault.provoked, '–', `not tried: ${outcome.skipped}`)
      : row(
          fault.fault,
          fault.provoked,
          String(outcome.times),
          outcome.broken.length > 0 ? `**broken**: ${outcome.broken[0]}` : outcome.observed,
        ),
  )
  const measured = `Node ${process.versions.node}, ${os.type()} ${os.release()}, ${os.availableParallelism()} cores.`
  const table = [
    row('fault', 'how it was provoked', 'how often', 'what happened'),
    '|---|---|--:|---|',
    ...rows,
  ]
  writeFileSync(
    GUARANTEE,
    [before, BEGIN, '\n', table.join('\n'), '\n\n', measured, '\n', END, after].join(''),
  )
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')).join(' | ')} |`
}
