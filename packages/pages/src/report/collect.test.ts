import { expect, test } from 'vitest'
import { type CollectedTest, collectReport } from './collect.js'
import type { WorkerUse } from './run-report.js'

const RUN = { runner: 'vitest 5', directory: '/work', startedAt: 1000, endedAt: 2000 }
const WORKER: WorkerUse = { id: 1, pid: 7, slices: [], ports: [] }
const PORT = { port: 20_000, label: 'worker port', requestedAt: 1000, takenAt: 1000 }

const testOf = (more: Partial<CollectedTest> = {}): CollectedTest => ({
  name: 'a',
  file: 'a.test.js',
  status: 'passed',
  startedAt: 1100,
  endedAt: 1200,
  retry: 0,
  errors: [],
  use: { ports: [], worker: { ...WORKER, ports: [PORT] } },
  ...more,
})

test('a release after the last test replaces the earlier entry of the port', () => {
  const released = { ...PORT, releasedAt: 2500, leaked: true as const }
  const report = collectReport(RUN, [testOf()], [{ ...WORKER, ports: [released] }])
  expect(report.workers).toEqual([{ name: 'worker 1', pids: [7], slices: [], ports: [released] }])
  expect(report.endedAt).toBe(2500)
})

test('long names and errors are cut, so that the file stays small', () => {
  const long = 'x'.repeat(1_000_000)
  const { tests } = collectReport(RUN, [testOf({ name: long, errors: [long, 'short'] })], [])
  expect(tests[0]?.name).toMatch(/^x{500}… \(999500 characters more\)$/)
  expect(tests[0]?.errors[0]).toMatch(/^x{10000}… \(990000 characters more\)$/)
  expect(tests[0]?.errors[1]).toBe('short')
})

test('a run of very many tests', () => {
  const tests = Array.from({ length: 200_000 }, () => testOf())
  expect(collectReport(RUN, tests, [])).toMatchObject({ startedAt: 1000, endedAt: 2000 })
})
