import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RecordFiles, type Source, suiteEnvironment } from '../suite/environment.ts'
import { runNode } from './run-node.ts'
import { type Report, readPlaywrightReport, readVitestReport } from './runner-reports.ts'

/** Ends runs that hang. */
const RUN_TIMEOUT_MS = 100_000

export interface Run {
  name: string
  runner: 'vitest' | 'playwright'
  status: number | null
  output: string
  /** Missing if the runner wrote no report. */
  report?: Report
  seconds: number
}

export interface SuiteOptions {
  source: Source
  records: RecordFiles
  /** Playwright's launch options. */
  browser: object
  checkouts: readonly [string, string]
  /** A directory for the runners' reports. */
  reports: string
  signal: AbortSignal
  onEnd: (run: Run) => void
}

/**
 * Runs vitest in two checkouts and Playwright in one, all at the same time.
 *
 * @throws the reason of `signal`
 */
export async function runSuites(options: SuiteOptions): Promise<Run[]> {
  const [first, second] = options.checkouts
  // Waits for all, so that no run continues if another one fails to start.
  const runs = await Promise.allSettled([
    runVitest('vitest in the first checkout', first, [], options),
    // One process per file in the first checkout, reused processes in the second.
    runVitest('vitest in the second checkout', second, ['--no-isolate'], options),
    runPlaywright('Playwright in the first checkout', first, options),
  ])
  return runs.map((run) => {
    if (run.status === 'rejected') throw run.reason
    return run.value
  })
}

function runVitest(
  name: string,
  checkout: string,
  flags: string[],
  options: SuiteOptions,
): Promise<Run> {
  const file = reportFile(name, options)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const args = [scriptOf('vitest', 'vitest.mjs'), 'run', ...flags, ...reporters]
  return run(
    { name, runner: 'vitest', args, checkout, report: () => readVitestReport(file) },
    options,
  )
}

function runPlaywright(name: string, checkout: string, options: SuiteOptions): Promise<Run> {
  const file = reportFile(name, options)
  const args = [scriptOf('@playwright/test', 'cli.js'), 'test', '--reporter=list,json']
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: file }
  const report = () => readPlaywrightReport(file)
  return run({ name, runner: 'playwright', args, env, checkout, report }, options)
}

interface Command extends Pick<Run, 'name' | 'runner'> {
  args: string[]
  env?: Record<string, string>
  checkout: string
  report: () => Report
}

async function run(
  { name, runner, args, env, checkout, report }: Command,
  { source, records, browser, signal, onEnd }: SuiteOptions,
): Promise<Run> {
  const start = performance.now()
  const { status, stdout, stderr } = await runNode(args, {
    cwd: checkout,
    env: { ...suiteEnvironment(source, records, browser), ...env },
    timeoutMs: RUN_TIMEOUT_MS,
    signal,
  })
  const seconds = (performance.now() - start) / 1000
  const output = `${stdout}\n${stderr}`
  const ended: Run = { name, runner, status, output, seconds, ...readIfWritten(report) }
  onEnd(ended)
  return ended
}

/** A crashed runner has no complete report. */
function readIfWritten(read: () => Report): { report?: Report } {
  try {
    return { report: read() }
  } catch {
    return {}
  }
}

function reportFile(name: string, { reports }: SuiteOptions): string {
  return path.join(reports, `${name.replaceAll(' ', '-')}.json`)
}

function scriptOf(packageName: string, script: string): string {
  const manifest = fileURLToPath(import.meta.resolve(`${packageName}/package.json`))
  return path.join(path.dirname(manifest), script)
}
