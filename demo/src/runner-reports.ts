import { readFileSync } from 'node:fs'

/** The counts of a runner's JSON report. */
export interface Report {
  files: number
  passed: number
  failed: number
  /** Workers that ran a test, if the report contains it. */
  workers?: number
}

interface VitestReport {
  testResults: unknown[]
  numPassedTests: number
  numTotalTests: number
}

export function readVitestReport(file: string): Report {
  const { testResults, numPassedTests, numTotalTests } = parse<VitestReport>(file)
  return {
    files: testResults.length,
    passed: numPassedTests,
    failed: numTotalTests - numPassedTests,
  }
}

interface PlaywrightReport {
  suites: PlaywrightSuite[]
  stats: { expected: number; unexpected: number; flaky: number; skipped: number }
}

interface PlaywrightSuite {
  suites?: PlaywrightSuite[]
  specs: { tests: { results: { workerIndex: number }[] }[] }[]
}

export function readPlaywrightReport(file: string): Report {
  const { suites, stats } = parse<PlaywrightReport>(file)
  return {
    files: suites.length,
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + stats.skipped,
    workers: new Set(suites.flatMap(workerIndexes)).size,
  }
}

function workerIndexes({ suites = [], specs }: PlaywrightSuite): number[] {
  const results = specs.flatMap(({ tests }) => tests.flatMap((test) => test.results))
  return [...results.map(({ workerIndex }) => workerIndex), ...suites.flatMap(workerIndexes)]
}

function parse<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}
