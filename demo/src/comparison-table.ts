import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { Measurement } from './measure.ts'

const ROWS: Record<string, (measurement: Measurement) => string | number> = {
  'test runs at the same time': ({ runs }) => runs.length,
  'test files': ({ runs }) => sum(runs.map(({ report }) => report?.files ?? 0)),
  'processes that took ports': ({ stats }) => stats.processes,
  'ports handed out': ({ stats }) => stats.handedOut,
  'most out at the same time': ({ stats }) => stats.maxOut,
  'most not yet bound': ({ stats }) => stats.maxUnbound,
  'hand-outs of a port in use': ({ stats }) => colourCount(stats.overlaps),
  'binds that failed (EADDRINUSE)': ({ stats }) => colourCount(stats.failedBinds),
  'tests that failed': ({ runs }) => failedTests(runs),
  'ports never released': ({ stats }) => colourCount(stats.currentlyOut),
  seconds: ({ seconds }) => seconds.toFixed(1),
}

/** One column for each source of ports. */
export function comparisonTable(measurements: readonly Measurement[]): string {
  const titles = measurements.map(({ title }) => title)
  const result = new Table({
    head: ['ports from', ...titles].map((heading) => styleText('bold', heading)),
    colAligns: ['left', ...titles.map(() => 'right' as const)],
    // No colours of cli-table3: styleText colours the cells, and respects NO_COLOR and pipes.
    style: { head: [], border: [], compact: true },
  })
  for (const [name, cell] of Object.entries(ROWS)) {
    result.push([name, ...measurements.map(cell)])
  }
  return result.toString()
}

function failedTests(runs: Measurement['runs']): string {
  const reports = runs.flatMap(({ report }) => report ?? [])
  const failed = colourCount(sum(reports.map((report) => report.failed)))
  const brokenRuns = runs.length - reports.length
  return brokenRuns === 0 ? failed : `${failed} + runs without report: ${colourCount(brokenRuns)}`
}

function colourCount(count: number): string {
  return styleText(count === 0 ? 'green' : 'red', String(count))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
