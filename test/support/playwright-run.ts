/** Runs Playwright on a small project, and reads its report. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { readIntervals } from './intervals.ts'
import type { Outcome } from './process.ts'
import type { FixtureProject, RunOptions } from './project.ts'

/** For a whole test, in ms: some runs of Playwright, on a machine that is busy with other things. */
export const TEST_TIMEOUT = 300_000
/** For one run, in ms: less, so that a run that hangs is reported as such. */
const RUN_TIMEOUT = 100_000

const INTERVALS_MODULE = fileURLToPath(import.meta.resolve('./intervals.ts'))
const INTERVALS_FILE = 'intervals.ndjson'

/** The file './app.ts', which the tests of a project import. */
export const APP = `
  import { once } from 'node:events'
  import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
  import { createServer } from 'node:http'
  import { setTimeout } from 'node:timers/promises'
  import { Recorder } from ${JSON.stringify(INTERVALS_MODULE)}

  const recorder = new Recorder(${JSON.stringify(INTERVALS_FILE)})
  const kept = new Set<number>()

  /** Starts an app some time after its port was handed out, like real apps. */
  export async function serve(port: number, start?: Promise<void>) {
    const recordRelease = recorder.recordTake(port)
    await start
    await setTimeout(50)
    const server = createServer((_, response) => response.end('the app on ' + port))
    server.listen(port)
    await once(server, 'listening')
    return {
      async [Symbol.asyncDispose]() {
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
        recordRelease()
      },
    }
  }

  /** Records, once, a port that this worker has until its end. */
  export function recordUntilWorkerEnds(port: number) {
    if (!kept.has(port)) recorder.recordTake(port)
    kept.add(port)
  }

  /**
   * Waits until that many workers have reached a place. So each app starts while the ports of the
   * others are out but not yet bound.
   */
  export async function waitForWorkers(place: string, workers: number) {
    const folder = 'places/' + place
    mkdirSync(folder, { recursive: true })
    writeFileSync(folder + '/' + process.pid, '')
    while (readdirSync(folder).length < workers) await setTimeout(10)
  }

  /** Passes something on to the report. */
  export function reportFacts(testInfo, facts: object) {
    testInfo.annotations.push({ type: 'facts', description: JSON.stringify(facts) })
  }
`

/** A `playwright.config.ts` with these settings, written as in an object literal. */
export function config(settings: string): string {
  return `
    import { defineConfig } from '@playwright/test'
    export default defineConfig({ timeout: 60_000, ${settings} })
  `
}

export interface Annotation {
  type: string
  description?: string
}

export interface Result {
  status: 'passed' | 'failed' | 'timedOut' | 'skipped' | 'interrupted'
  workerIndex: number
  parallelIndex: number
  /** The messages of its errors. */
  errors: { message: string }[]
  annotations: Annotation[]
  /** Bodies in base64. */
  attachments: { name: string; body?: string }[]
}

export interface ReportedTest {
  title: string
  project: string
  /** `flaky`: passed, but not at the first try. */
  status: 'expected' | 'unexpected' | 'flaky' | 'skipped'
  /** One for each try. */
  results: [Result, ...Result[]]
}

/** The part of `JSONReport` in `@playwright/test/reporter` that is used here. */
interface Report {
  errors: { message: string }[]
  suites: Suite[]
}

interface Suite {
  suites?: Suite[]
  specs: { title: string; tests: (Omit<ReportedTest, 'title'> & { projectName: string })[] }[]
}

export interface PlaywrightRun extends Outcome {
  tests: ReportedTest[]
  /** The messages of errors that belong to no test. */
  errors: string[]
}

let runs = 0

/** Runs the tests of a project. Two runs of one project may overlap. */
export async function playwright(
  project: FixtureProject,
  args: string[] = [],
  { env, ...options }: RunOptions = {},
): Promise<PlaywrightRun> {
  const run = `run-${++runs}`
  const file = project.file(`${run}.json`)
  const outcome = await project.playwright(['--reporter=json', `--output=${run}`, ...args], {
    timeout: RUN_TIMEOUT,
    env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file, ...env },
    ...options,
  })
  // Missing if the config could not be loaded.
  const report: Report = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { errors: [], suites: [] }
  return {
    ...outcome,
    tests: report.suites.flatMap(testsOf),
    errors: report.errors.map(({ message }) => message),
  }
}

function testsOf({ suites = [], specs }: Suite): ReportedTest[] {
  const own = specs.flatMap(({ title, tests }) =>
    tests.map((test) => ({ ...test, title, project: test.projectName })),
  )
  return [...own, ...suites.flatMap(testsOf)]
}

/** Asserts that this number of tests ran, and that all passed at the first try. */
export function expectAllPassed({ tests, errors, stderr, status }: PlaywrightRun, count: number) {
  const failed = tests
    .filter((test) => test.status !== 'expected')
    .map(({ title, results }) => ({ title, errors: results.flatMap(({ errors }) => errors) }))
  expect({ failed, errors, stderr, status }).toEqual({
    failed: [],
    errors: [],
    stderr: expect.anything(),
    status: 0,
  })
  expect(tests).toHaveLength(count)
}

/** The values that a try has passed to `reportFacts`. */
export function factsOf<Facts>({ annotations }: Result): Facts {
  const facts = annotations.find(({ type }) => type === 'facts')
  return JSON.parse(facts?.description ?? 'null')
}

/** When which port was out, in all runs of a project. */
export function intervalsOf(project: FixtureProject) {
  return readIntervals(project.file(INTERVALS_FILE))
}
