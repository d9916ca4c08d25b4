/** Runs the same load with portslice and with get-port, and compares how often two processes got one port. */
import { styleText } from 'node:util'
import { chromiumLaunch } from 'portslice-test/support/chromium'
import { RANGE } from '../suite/get-port-source.ts'
import { Checkouts } from './checkouts.ts'
import { comparisonTable } from './comparison-table.ts'
import { findViolations, HAND_OUTS } from './find-violations.ts'
import { type Measurement, measure } from './measure.ts'
import { Progress } from './progress.ts'
import { verdict } from './verdict.ts'

const MAX_OUTPUT_LINES = 60

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`Stopped by ${signal}.`)))
}

try {
  process.exitCode = (await demo()) ? 0 : 1
} catch (error) {
  if (!interrupted.signal.aborted) throw error
  console.error(`\n${interrupted.signal.reason.message}`)
  process.exitCode = 130
}

/** @returns whether portslice kept its guarantee */
async function demo(): Promise<boolean> {
  const { signal } = interrupted
  const progress = new Progress(HAND_OUTS)
  progress.say('Looking for a browser (or unpacking one) …')
  const browser = await chromiumLaunch()
  using checkouts = new Checkouts()

  progress.heading(
    'Two vitest runs in two checkouts and a Playwright run at the same time, with portslice',
  )
  const options = { checkouts, browser, progress, signal }
  const ours = await measure('portslice', options)
  const violations = findViolations(ours)
  if (violations.length > 0) showOutput(ours)

  const range = `getPort({ port: portNumbers(${RANGE.join(', ')}) })`
  progress.heading(
    `The same load with get-port: getPort(), then ${range}, called getPort(range) below`,
  )
  const theirs = [await measure('get-port', options), await measure('get-port-range', options)]

  console.log(`\n${comparisonTable([ours, ...theirs])}\n`)
  console.log(styleText(violations.length > 0 ? 'red' : 'green', verdict(ours, theirs, violations)))
  return violations.length === 0
}

function showOutput({ runs }: Measurement): void {
  for (const { name, status, report, output } of runs) {
    if (status === 0 && report?.failed === 0) continue
    console.error(`\n--- the end of the output of ${name} ---`)
    console.error(output.trimEnd().split('\n').slice(-MAX_OUTPUT_LINES).join('\n'))
  }
}
