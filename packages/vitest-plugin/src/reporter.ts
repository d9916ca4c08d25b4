/**
 * A reporter that writes an HTML file, which shows when each test had which port.
 *
 * @module @portslice/vitest-plugin/reporter
 */
import { requestPortReport } from '@portslice/core/internal'
import { type CollectedTest, DEFAULT_REPORT_FILE, ReportFile } from '@portslice/pages/report'
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'
import './vitest-types.js'

/** Options of the reporter. */
export interface PortReporterOptions {
  /** The file, relative to the root of the project. Default: `portslice-report.html`. */
  outputFile?: string
}

/**
 * Writes the report of a run.
 *
 * @example
 * reporters: ['default', ['@portslice/vitest-plugin/reporter', { outputFile: 'ports.html' }]]
 */
export default class PortReporter implements Reporter {
  readonly #file: ReportFile
  #vitest: Vitest | undefined
  #startedAt = Date.now()

  /** @param options where to write the report */
  constructor({ outputFile = DEFAULT_REPORT_FILE }: PortReporterOptions = {}) {
    this.#file = new ReportFile(outputFile)
  }

  /** @hidden Called by vitest. */
  onInit(vitest: Vitest): void {
    this.#vitest = vitest
    requestPortReport()
  }

  /** @hidden Called by vitest. */
  onTestRunStart(): void {
    this.#startedAt = Date.now()
  }

  /** @hidden Called by vitest. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    const { version = '', config } = this.#vitest ?? {}
    const directory = config?.root ?? process.cwd()
    const run = {
      runner: `vitest ${version}`,
      directory,
      startedAt: this.#startedAt,
      endedAt: Date.now(),
    }
    const tests = modules.flatMap((module) => [...module.children.allTests()].map(collectTest))
    this.#file.write(run, tests)
  }
}

function collectTest(test: TestCase): CollectedTest {
  const { state, errors = [] } = test.result()
  const { startTime = 0, duration = 0, retryCount = 0 } = test.diagnostic() ?? {}
  const { ports, worker } = test.meta().portslice ?? {}
  return {
    name: test.fullName,
    file: test.module.relativeModuleId,
    status: state === 'passed' || state === 'failed' ? state : 'skipped',
    startedAt: startTime,
    endedAt: startTime + duration,
    retry: retryCount,
    errors: errors.map(({ stack, message }) => stack ?? message ?? ''),
    ...(ports && worker && { use: { ports, worker } }),
  }
}
