/** A job of the matrix: a version of one thing on a version of another. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Interval, overlaps, readIntervals } from '../support/intervals.ts'
import { type Outcome, runNode } from '../support/process.ts'

export type Verdict =
  | { passed: true }
  | { passed: false; reason: string; output: string }
  | { skipped: string }

/** Runs scripts in a project with this Node, all with one lock directory. */
export function nodeIn(folder: string, node: string): (...args: string[]) => Promise<Outcome> {
  return (...args) =>
    runNode(args, { cwd: folder, node, lockDirectory: path.join(folder, 'locks') })
}

/** Empty if the run did not get that far. */
export function intervalsIn(record: string): Interval[] {
  return existsSync(record) ? readIntervals(record) : []
}

/**
 * Checks the file that our reporter has written: it has each port of a test.
 *
 * @returns why it is not good
 */
function reasonAgainstReport(
  file: string,
  expected: { ports: number; bound: number },
): string | undefined {
  if (!existsSync(file)) return 'the reporter wrote no file'
  const [, data = ''] = /id="report">(.*?)<\/script>/s.exec(readFileSync(file, 'utf8')) ?? []
  const { tests, workers } = JSON.parse(data) as Record<'tests' | 'workers', { ports: object[] }[]>
  const ports = tests.flatMap((test) => test.ports)
  const bound = ports.filter((use) => 'listeners' in use)
  if (ports.length !== expected.ports) return `the report has ${ports.length} ports of tests`
  if (bound.length !== expected.bound) return `the report has ${bound.length} ports in use`
  if (!ports.every((use) => 'releasedAt' in use)) return 'a port in the report has no end'
  return workers.length > 0 ? undefined : 'the report has no workers'
}

/**
 * Checks a run: it succeeded, handed out so many ports, got all of them back, and no port was out
 * twice at a time.
 */
export function verdictOf(
  outcomes: readonly Outcome[],
  intervals: readonly Interval[],
  handOuts: number,
): Verdict {
  const output = outcomes.map(({ stdout, stderr }) => stdout + stderr).join('\n')
  const reason = reasonAgainst(outcomes, intervals, handOuts)
  return reason === undefined ? { passed: true } : { passed: false, reason, output }
}

/** Checks a run of tests whose ports our reporter has written into the folder, too. */
export function verdictOfReported(
  folder: string,
  outcome: Outcome,
  intervals: readonly Interval[],
  expected: { ports: number; bound: number },
): Verdict {
  const verdict = verdictOf([outcome], intervals, expected.bound)
  if (!('passed' in verdict) || !verdict.passed) return verdict
  const reason = reasonAgainstReport(path.join(folder, 'portslice-report.html'), expected)
  return reason === undefined ? verdict : { passed: false, reason, output: outcome.stderr }
}

function reasonAgainst(
  outcomes: readonly Outcome[],
  intervals: readonly Interval[],
  handOuts: number,
): string | undefined {
  const shared = overlaps(intervals)[0]
  if (shared) return `port ${shared[0].port} was out twice`
  const bad = outcomes.find(({ status }) => status !== 0)
  if (bad) return `ended with ${bad.status ?? 'a signal'}`
  if (intervals.length !== handOuts) {
    return `${intervals.length} hand-outs were noted instead of ${handOuts}`
  }
  const kept = intervals.find(({ to }) => to === undefined)
  return kept && `port ${kept.port} never came back`
}
