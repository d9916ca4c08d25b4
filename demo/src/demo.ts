/** The demo: portslice under load, the proof that no two had one port, and the same with get-port. */
import { styleText } from 'node:util'
import { chromiumLaunch } from 'portslice-test/support/chromium'
import { RANGE } from '../suite/get-port-source.ts'
import { Checkouts } from './checkouts.ts'
import { HAND_OUTS, violations } from './guarantee.ts'
import { type Measurement, measure } from './measurement.ts'
import { Progress } from './progress.ts'
import { table } from './table.ts'
import { verdict } from './verdict.ts'

/** The last lines of a failed run's output that are worth a look. */
const LAST_LINES = 60

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

/** Whether the promise was kept. */
async function demo(): Promise<boolean> {
  const { signal } = interrupted
  const progress = new Progress(HAND_OUTS)
  progress.say('Looking for a browser (unpacking one at first, if there is none) …')
  const browser = await chromiumLaunch()
  using checkouts = new Checkouts()

  progress.heading('Two vitest runs from two checkouts and a Playwright run, at once, on portslice')
  const options = { checkouts, browser, progress, signal }
  const ours = await measure('portslice', options)
  const broken = violations(ours)
  if (broken.length > 0) showOutput(ours)

  const range = `getPort({ port: portNumbers(${RANGE.join(', ')}) })`
  progress.heading(`The same load on get-port: getPort(), then ${range}, here getPort(range)`)
  const theirs = [await measure('get-port', options), await measure('get-port-range', options)]

  console.log(`\n${table([ours, ...theirs])}\n`)
  console.log(styleText(broken.length > 0 ? 'red' : 'green', verdict(ours, theirs, broken)))
  return broken.length === 0
}

function showOutput({ runs }: Measurement): void {
  for (const { name, status, report, output } of runs) {
    if (status === 0 && report?.failed === 0) continue
    console.error(`\n--- the end of the output of ${name} ---`)
    console.error(output.trimEnd().split('\n').slice(-LAST_LINES).join('\n'))
  }
}
