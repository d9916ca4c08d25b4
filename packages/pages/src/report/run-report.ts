import type { RecordedUse, WorkerUse } from '@portslice/core/internal'

export type { RecordedUse, WorkerUse }

/** What the report of a run shows; times in ms since 1970. */
export interface RunReport {
  /** `vitest 5.1.1` */
  runner: string
  directory: string
  startedAt: number
  endedAt: number
  tests: ReportedTest[]
  workers: ReportedWorker[]
  /** Tests that used no ports are only counted. */
  testsWithoutPorts: number
}

export interface ReportedTest {
  name: string
  file: string
  status: 'passed' | 'failed' | 'skipped'
  startedAt: number
  endedAt: number
  /** From 0; a retry is a test of its own here. */
  retry: number
  /** Of its worker. */
  worker: string
  errors: string[]
  ports: RecordedUse[]
}

/** A place for a worker process: after one has ended, the runner may start another there. */
export interface ReportedWorker {
  name: string
  pids: number[]
  slices: WorkerUse['slices']
  ports: RecordedUse[]
}
