/**
 * A reporter that writes an HTML file, which shows when each test had which port.
 *
 * @module @portslice/playwright-fixture/reporter
 */

import path from 'node:path'
import type {
  FullConfig,
  FullResult,
  Reporter,
  TestCase,
  TestResult,
} from '@playwright/test/reporter'
import { requestPortReport } from '@portslice/core/internal'
import { type CollectedTest, DEFAULT_REPORT_FILE, ReportFile } from '@portslice/pages/report'
import { ATTACHMENT } from './attach-ports.js'

/** Options of the reporter. */
export interface PortReporterOptions {
  /** The file, relative to the directory of the config. Default: `portslice-report.html`. */
  outputFile?: string
}

/**
 * Writes the report of a run.
 *
 * @example
 * reporter: [['list'], ['@portslice/playwright-fixture/reporter', { outputFile: 'ports.html' }]]
 */
export default class PortReporter implements Reporter {
  readonly #file: ReportFile
  readonly #tests: CollectedTest[] = []
  #config: FullConfig | undefined

  /** @param options where to write the report */
  constructor({ outputFile = DEFAULT_REPORT_FILE }: PortReporterOptions = {}) {
    this.#file = new ReportFile(outputFile)
    requestPortReport()
  }

  /** @hidden Called by Playwright. */
  onBegin(config: FullConfig): void {
    this.#config = config
  }

  /** @hidden Called by Playwright. */
  onTestEnd(test: TestCase, result: TestResult): void {
    this.#tests.push(collectTest(test, result))
  }

  /** @hidden Called by Playwright. */
  onEnd({ startTime, duration }: FullResult): void {
    const { version = '', configFile } = this.#config ?? {}
    const directory = configFile ? path.dirname(configFile) : process.cwd()
    const startedAt = startTime.getTime()
    const run = {
      runner: `Playwright ${version}`,
      directory,
      startedAt,
      endedAt: startedAt + duration,
    }
    this.#file.write(run, this.#tests)
  }

  /** @hidden Called by Playwright. */
  printsToStdio(): boolean {
    return false
  }
}

function collectTest(test: TestCase, result: TestResult): CollectedTest {
  const startedAt = result.startTime.getTime()
  const [, project, , ...names] = test.titlePath()
  const passed = result.status === 'passed'
  return {
    name: names.join(' > '),
    file: [project, path.relative(process.cwd(), test.location.file)].filter(Boolean).join(' '),
    status: passed ? 'passed' : result.status === 'skipped' ? 'skipped' : 'failed',
    startedAt,
    endedAt: startedAt + result.duration,
    retry: result.retry,
    errors: result.errors.map(({ stack, message, value }) => stack ?? message ?? value ?? ''),
    ...useOf(result),
  }
}

/** Merges the attachments of a test: `takePort` and the app fixtures each add one. */
function useOf({ attachments }: TestResult): Pick<CollectedTest, 'use'> {
  const parts = attachments
    .filter(({ name, body }) => name === ATTACHMENT && body)
    .map(({ body }) => JSON.parse(String(body)) as NonNullable<CollectedTest['use']>)
  const [first] = parts
  if (!first) return {}
  const worker = {
    ...first.worker,
    slices: parts.flatMap((part) => part.worker.slices),
    ports: parts.flatMap((part) => part.worker.ports),
  }
  return { use: { ports: parts.flatMap((part) => part.ports), worker } }
}
