/** Formats the outcomes of faults: lines on the terminal, and the list of docs/faults.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { type Fault, isSkipped, type Outcome } from './fault.ts'

const PAGE = new URL('../../docs/faults.md', import.meta.url)
const BEGIN = '<!-- results: written by `pnpm run chaos` -->'
const END = '<!-- end of results -->'

export function formatOutcome(fault: Fault, outcome: Outcome, seconds: number): string {
  if (isSkipped(outcome)) return `- ${fault.fault}: skipped, ${outcome.skipped}`
  const mark = outcome.broken.length > 0 ? '✗' : '✓'
  return [
    `${mark} ${fault.fault}: ${outcome.times} times, ${outcome.observed} (${seconds.toFixed(1)} s)`,
    `    provoked by: ${fault.provoked}`,
    ...outcome.broken.map((sentence) => `    ${sentence}`),
  ].join('\n')
}

/** Replaces the text between the two marks. */
export function writeResults(results: readonly { fault: Fault; outcome: Outcome }[]): void {
  const text = readFileSync(PAGE, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/faults.md has lost the marks of its results: ${BEGIN} and ${END}.`)
  }
  const items = results.map(({ fault, outcome }) => {
    if (isSkipped(outcome)) return item(`**${fault.fault}**: not tried: ${outcome.skipped}`)
    const [broken] = outcome.broken
    const observed = broken === undefined ? outcome.observed : `**broken**: ${broken}`
    return item(`**${fault.fault}** (${outcome.times} times): ${observed}`)
  })
  const measured = `Node ${process.versions.node}, ${os.type()} ${os.release()}, ${os.availableParallelism()} cores.`
  const list = [BEGIN, '', ...items, '', measured, END].join('\n')
  writeFileSync(PAGE, [before, list, after].join(''))
}

function item(text: string): string {
  return `- ${text.replaceAll(/\s+/g, ' ')}`
}
