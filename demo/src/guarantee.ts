import {
  BROWSER_TESTS,
  BROWSER_WORKERS,
  PORTS_A_TEST,
  TEST_FILES,
  TESTS_A_FILE,
} from '../suite/size.ts'
import type { Run } from './load.ts'
import type { Measurement } from './measurement.ts'

/** Two vitest runs, and a port for each worker and each test of the Playwright run. */
export const HAND_OUTS =
  2 * TEST_FILES * TESTS_A_FILE * PORTS_A_TEST + BROWSER_WORKERS + BROWSER_TESTS

/** One sentence for each way in which the promise was broken; none when it was kept. */
export function violations({ runs, sight }: Measurement): string[] {
  const broken: string[] = runs.flatMap(shortfalls)
  if (runs.length < 3) broken.push(`Only ${runs.length} of 3 runs took place.`)
  if (sight.overlaps > 0) {
    broken.push(`${sight.overlaps} times a port was handed out that another test had.`)
  }
  if (sight.refused > 0) broken.push(`${sight.refused} binds failed with EADDRINUSE.`)
  if (sight.outNow > 0) broken.push(`${sight.outNow} ports were never given back.`)
  if (sight.unboundNow > 0) broken.push(`${sight.unboundNow} ports were never bound.`)
  if (sight.handedOut < HAND_OUTS) {
    broken.push(`Only ${sight.handedOut} of ${HAND_OUTS} ports were handed out.`)
  }
  return broken
}

const EXPECTED = {
  vitest: { files: TEST_FILES, passed: TEST_FILES * TESTS_A_FILE, workers: 0 },
  playwright: { files: 1, passed: BROWSER_TESTS, workers: BROWSER_WORKERS },
}

function shortfalls({ name, runner, status, report }: Run): string[] {
  if (!report) return [`${name} ended with status ${status} and without a report.`]
  const { files, passed, failed, workers = 0 } = report
  const expected = EXPECTED[runner]
  const broken: string[] = []
  if (failed > 0 || files < expected.files || passed < expected.passed) {
    broken.push(
      `${name}: ${passed} of ${expected.passed} tests passed, in ${files} of ${expected.files} files.`,
    )
  } else if (status !== 0) {
    broken.push(`${name} ended with status ${status}.`)
  }
  if (workers < expected.workers) {
    broken.push(`${name} had ${workers} of ${expected.workers} workers.`)
  }
  return broken
}
