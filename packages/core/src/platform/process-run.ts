import { readFileSync } from 'node:fs'
import { codeOf } from '../errors.js'
import { namespaceOf } from './host.js'
import { processTable, startTimeFrom } from './process-table.js'

/** Tells a process from a later one with the same pid, and from one in another pid namespace. */
export interface ProcessRun {
  /** When it was started, in clock ticks since boot; missing if that is not known. */
  readonly startedAt?: string
  /** Missing if it is not known. */
  readonly pidNamespace?: string
}

/** The run of this process. */
export function ownRun(): ProcessRun {
  const [startedAt, pidNamespace] = [startTimeOf('self'), namespaceOf('pid')]
  return {
    ...(startedAt !== undefined && { startedAt }),
    ...(pidNamespace !== undefined && { pidNamespace }),
  }
}

/** Whether the process of a pid and a run, as another process wrote them down, still runs. */
export function processStateOf(pid: number, run: ProcessRun): 'running' | 'gone' | 'unknown' {
  const isComparable = run.startedAt !== undefined && run.pidNamespace === namespaceOf('pid')
  if (!isComparable || processTable() !== 'own') return 'unknown'
  return startTimeOf(String(pid)) === run.startedAt ? 'running' : 'gone'
}

/** In clock ticks since boot; `undefined` if it cannot be read. */
export function startTimeOf(pid: string): string | undefined {
  try {
    return startTimeFrom(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

/** Whether any process has this pid in the namespace of this process. */
export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM' // Another user's process.
  }
}
