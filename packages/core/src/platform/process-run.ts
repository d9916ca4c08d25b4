import { readFileSync } from 'node:fs'
import { codeOf } from '../errors.js'
import { namespaceOf } from './host.js'
import { omitUndefined } from './omit-undefined.js'
import { DENIED, processTable, readProcessFile, startTimeFrom } from './process-table.js'

/** Tells a process from a later one with the same pid, and from one in another pid namespace. */
export interface ProcessRun {
  /** In clock ticks since boot; missing if unknown. */
  readonly startedAt?: string
  readonly pidNamespace?: string
}

export function ownRun(): ProcessRun {
  return omitUndefined({ startedAt: startTimeOf('self'), pidNamespace: namespaceOf('pid') })
}

export function processStateOf(pid: number, run: ProcessRun): 'running' | 'gone' | 'unknown' {
  const isComparable = run.startedAt !== undefined && run.pidNamespace === namespaceOf('pid')
  if (!isComparable || processTable() !== 'own') return 'unknown'
  const stat = readProcessFile(pid, 'stat')
  if (stat === DENIED) return 'unknown'
  return stat !== undefined && startTimeFrom(stat) === run.startedAt ? 'running' : 'gone'
}

export function startTimeOf(pid: string): string | undefined {
  try {
    return startTimeFrom(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

export function isProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM' // Another user's process.
  }
}
