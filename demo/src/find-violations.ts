import {
  BROWSER_TESTS,
  BROWSER_WORKERS,
  PORTS_PER_TEST,
  TEST_FILES,
  TESTS_PER_FILE,
} from '../suite/size.ts'
import type { Measurement } from './measure.ts'
import type { Run } from './run-suites.ts'

/** Ports of two vitest runs, and one port per worker and test of the Playwright run. */
export const HAND_OUTS =
  2 * TEST_FILES * TESTS_PER_FILE * PORTS_PER_TEST + BROWSER_WORKERS + BROWSER_TESTS

/** Describes each violation of the guarantee, and each sign of too little load. */
export function findViolations({ runs, stats }: Measurement): string[] {
  const violations: string[] = runs.flatMap(shortfalls)
  if (runs.length < 3) violations.push(`Only ${runs.length} of 3 runs finished.`)
  if (stats.overlaps > 0) {
    violations.push(`${stats.overlaps} times a port was handed out that another process had.`)
  }
  if (stats.failedBinds > 0) violations.push(`${stats.failedBinds} binds failed with EADDRINUSE.`)
  if (stats.currentlyOut > 0) violations.push(`${stats.currentlyOut} ports were never released.`)
  if (stats.currentlyUnbound > 0)
    violations.push(`${stats.currentlyUnbound} ports were never bound.`)
  if (stats.handedOut < HAND_OUTS) {
    violations.push(`Only ${stats.handedOut} of ${HAND_OUTS} ports were handed out.`)
  }
  return violations
}

const EXPECTED = {
  vitest: { files: TEST_FILES, passed: TEST_FILES * TESTS_PER_FILE, workers: 0 },
  playwright: { files: 1, passed: BROWSER_TESTS, workers: BROWSER_WORKERS },
}

function shortfalls({ name, runner, status, report }: Run): string[] {
  if (!report) return [`${name} ended with status ${status} and without a report.`]
  const { files, passed, failed, workers = 0 } = report
  const expected = EXPECTED[runner]
  const violations: string[] = []
  if (failed > 0 || files < expected.files || passed < expected.passed) {
    violations.push(
      `${name}: ${passed} of ${expected.passed} tests passed, in ${files} of ${expected.files} files.`,
    )
  } else if (status !== 0) {
    violations.push(`${name} ended with status ${status}.`)
  }
  if (workers < expected.workers) {
    violations.push(`${name} had ${workers} of ${expected.workers} workers.`)
  }
  return violations
}
