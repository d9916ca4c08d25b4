import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { Measurement } from './measurement.ts'

const ROWS: Record<string, (measurement: Measurement) => string | number> = {
  'test runs at the same time': ({ runs }) => runs.length,
  'test files': ({ runs }) => sum(runs.map(({ report }) => report?.files ?? 0)),
  'processes that took ports': ({ sight }) => sight.processes,
  'ports handed out': ({ sight }) => sight.handedOut,
  'most out at the same time': ({ sight }) => sight.mostOut,
  'most not yet bound': ({ sight }) => sight.mostUnbound,
  'hand-outs of a port in use': ({ sight }) => colourCount(sight.overlaps),
  'binds that failed (EADDRINUSE)': ({ sight }) => colourCount(sight.refused),
  'tests that failed': ({ runs }) => failedTests(runs),
  'ports never released': ({ sight }) => colourCount(sight.outNow),
  seconds: ({ seconds }) => seconds.toFixed(1),
}

/** One column for each source of ports. */
export function table(measurements: readonly Measurement[]): string {
  const titles = measurements.map(({ title }) => title)
  const result = new Table({
    head: ['ports from', ...titles].map((heading) => styleText('bold', heading)),
    colAligns: ['left', ...titles.map(() => 'right' as const)],
    // styleText colours the text, because it respects NO_COLOR and pipes.
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
