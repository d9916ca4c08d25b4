import type { PortUse, WorkerUse } from '@portslice/core/internal'

export type { PortUse, WorkerUse }

/** The data of the report. Times are in ms since 1970. */
export interface RunReport {
  /** `vitest 5.1.1` */
  runner: string
  directory: string
  startedAt: number
  endedAt: number
  tests: ReportedTest[]
  workers: ReportedWorker[]
  /** The number of tests that used no ports. */
  testsWithoutPorts: number
}

export interface ReportedTest {
  name: string
  file: string
  status: 'passed' | 'failed' | 'skipped'
  startedAt: number
  endedAt: number
  /** 0 for the first run of a test. Each retry is a separate entry. */
  retry: number
  /** The name of its worker. */
  worker: string
  errors: string[]
  ports: PortUse[]
}

/** A numbered worker of the runner. It may have several processes, one after the other. */
export interface ReportedWorker {
  name: string
  pids: number[]
  slices: WorkerUse['slices']
  ports: PortUse[]
}
