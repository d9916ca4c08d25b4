import type { ReportedTest, ReportedWorker, RunReport, WorkerUse } from './run-report.js'

/** In characters. An error may contain a long diff, and a name may contain test data. */
const MAX_NAME_LENGTH = 500
const MAX_ERROR_LENGTH = 10_000

/** The result of a test from the runner, with the ports of the test. */
export interface CollectedTest extends Omit<ReportedTest, 'worker' | 'ports'> {
  /** Missing if the test used no ports. */
  use?: { ports: ReportedTest['ports']; worker: WorkerUse }
}

/** The data about a run from the runner. */
export type ReportedRun = Pick<RunReport, 'runner' | 'directory' | 'startedAt' | 'endedAt'>

/**
 * Combines the results of a run into a report.
 *
 * @param late ports that workers have released after their last test
 */
export function collectReport(
  run: ReportedRun,
  collected: readonly CollectedTest[],
  late: readonly WorkerUse[],
): RunReport {
  const workers = new Map<string, ReportedWorker>()
  const tests: ReportedTest[] = []
  for (const { use, ...test } of collected) {
    if (!use) continue
    const worker = `worker ${use.worker.id}`
    addWorkerUse(workers, worker, use.worker)
    tests.push(withPorts(test, worker, use.ports))
  }
  for (const use of late) addWorkerUse(workers, `worker ${use.id}`, use)
  const lateEnds = late.flatMap(({ ports }) => ports.flatMap(({ releasedAt = [] }) => releasedAt))
  return {
    ...run,
    startedAt: tests.reduce((min, { startedAt }) => Math.min(min, startedAt), run.startedAt),
    endedAt: [...tests.map(({ endedAt }) => endedAt), ...lateEnds].reduce(
      (max, end) => Math.max(max, end),
      run.endedAt,
    ),
    tests: tests.sort((a, b) => a.startedAt - b.startedAt),
    workers: [...workers.values()].sort((a, b) =>
      a.name.localeCompare(b.name, 'en', { numeric: true }),
    ),
    testsWithoutPorts: collected.length - tests.length,
  }
}

/** Extends the time of a test: fixtures release ports after the end that the runner reports. */
function withPorts(
  test: Omit<ReportedTest, 'worker' | 'ports'>,
  worker: string,
  ports: ReportedTest['ports'],
): ReportedTest {
  const starts = ports.map(({ requestedAt }) => requestedAt)
  const ends = ports.flatMap(({ releasedAt = [] }) => releasedAt)
  const startedAt = Math.min(test.startedAt, ...starts)
  const endedAt = Math.max(test.endedAt, ...ends)
  return {
    ...test,
    name: shorten(test.name, MAX_NAME_LENGTH),
    errors: test.errors.map((error) => shorten(error, MAX_ERROR_LENGTH)),
    startedAt,
    endedAt,
    worker,
    ports,
  }
}

function shorten(text: string, length: number): string {
  return text.length > length
    ? `${text.slice(0, length)}… (${text.length - length} characters more)`
    : text
}

function addWorkerUse(
  workers: Map<string, ReportedWorker>,
  name: string,
  { pid, slices, ports }: WorkerUse,
): void {
  const worker = workers.get(name) ?? { name, pids: [], slices: [], ports: [] }
  workers.set(name, worker)
  if (!worker.pids.includes(pid)) worker.pids.push(pid)
  worker.slices.push(...slices)
  for (const use of ports) {
    // A worker reports a port that is out with each test.
    const known = worker.ports.findIndex(
      ({ port, takenAt }) => port === use.port && takenAt === use.takenAt,
    )
    if (known === -1) worker.ports.push(use)
    else worker.ports[known] = use
  }
}
