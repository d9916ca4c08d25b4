import { expect, test } from 'vitest'
import { findingsOf } from './findings.js'
import type { PortUse, ReportedTest, RunReport } from './run-report.js'

const use = (more: Partial<PortUse> = {}): PortUse => ({
  port: 20_000,
  requestedAt: 1000,
  takenAt: 1000,
  releasedAt: 1500,
  listeners: [{ since: 1010, pid: 1, command: 'node' }],
  ...more,
})

const testOf = (
  name: string,
  ports: PortUse[],
  more: Partial<ReportedTest> = {},
): ReportedTest => ({
  name,
  file: 'a.test.js',
  status: 'passed',
  startedAt: 1000,
  endedAt: 2000,
  retry: 0,
  worker: 'worker 1',
  errors: [],
  ports,
  ...more,
})

const reportOf = (tests: ReportedTest[], workers: RunReport['workers'] = []): RunReport => ({
  runner: 'vitest 5',
  directory: '/work',
  startedAt: 1000,
  endedAt: 3000,
  tests,
  workers,
  testsWithoutPorts: 0,
})

const textsOf = (...given: Parameters<typeof reportOf>) =>
  findingsOf(reportOf(...given)).map(({ kind, text }) => `${kind}: ${text}`)

test('a run without trouble has no findings', () => {
  expect(
    textsOf([testOf('a', [use()]), testOf('b', [use({ requestedAt: 1500, takenAt: 1500 })])]),
  ).toEqual([])
})

test('a foreign program is named, and is not a leak of the test', () => {
  const listeners = [
    { since: 1100, pid: 7, command: 'nc -l', isForeign: true, isInTheWay: true } as const,
  ]
  expect(textsOf([testOf('a', [use({ listeners, leaked: true })], { status: 'failed' })])).toEqual([
    `foreign: Port 20000 of the test "a" was used by "nc -l" (pid 7), which the worker has not started, 100 ms after it was handed out, and the test's own server failed with EADDRINUSE.`,
  ])
})

test.each([
  [
    ':::20000',
    'foreign',
    'it was handed out to this test, and the process that used it was not seen',
  ],
  ['127.0.0.1:20001', 'other', 'at that time it was handed out to the test "b"'],
  [':::3000', 'fixed', 'is it a fixed port?'],
])('EADDRINUSE on %s: %s', (address, _, why) => {
  const errors = [`Error: listen EADDRINUSE: address already in use ${address}\n    at serve:1:2`]
  const failed = testOf('a', [use()], { status: 'failed', errors })
  const [text, ...others] = textsOf([failed, testOf('b', [use({ port: 20_001 })])])
  expect(text).toMatch(/^in use: The test "a" failed with EADDRINUSE on port \d+; /)
  expect(text).toContain(why)
  expect(others).toEqual([])
})

test('leaks, silent ports of failed tests and long waits', () => {
  const worker = {
    name: 'worker 1',
    pids: [1],
    slices: [{ first: 20_000, last: 20_031, requestedAt: 0, leasedAt: 2500 }],
    ports: [],
  }
  const texts = textsOf(
    [
      testOf('leaks', [use({ leaked: true })]),
      testOf('is silent', [use({ port: 20_001, listeners: [] })], { status: 'failed' }),
      testOf('waits', [use({ port: 20_002, takenAt: 1400 })]),
    ],
    [worker],
  )
  expect(texts).toEqual([
    'leak: A process still listened on port 20000 when the test "leaks" gave it back: "node" (pid 1).',
    'silent: Nothing was seen listening on port 20001 during the failed test "is silent".',
    'wait: Port 20002 was handed out after 400 ms; the test "waits" waited for it.',
    'wait: worker 1 waited 2.50 s for its slice 20000-20031.',
  ])
})

test('one port with two owners at a time would be a bug', () => {
  const [text] = textsOf([
    testOf('a', [use()]),
    testOf('b', [use({ takenAt: 1400, releasedAt: 1600 })]),
  ])
  expect(text).toMatch(
    /^overlap: Port 20000 was handed out to the test "b" while the test "a" had it/,
  )
})
