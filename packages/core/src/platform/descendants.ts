import { readdirSync, readFileSync } from 'node:fs'
import { codeOf } from '../errors.js'
import { namespaceOf } from './host.js'
import { type ProcessRun, startTimeOf } from './process-run.js'
import { system } from './system.js'

export interface DescendantQuery {
  variable: string
  value: string
  /** The run that died. Without it, only a process that is known to have the variable counts. */
  run?: ProcessRun | undefined
}

/**
 * Whether another process has the variable with this value. With `run`, a process whose environment cannot be
 * read counts as well, unless it is older.
 */
export function hasLiveDescendant({ variable, value, run }: DescendantQuery): boolean {
  if (!system.hasProc) return run !== undefined
  if (run && run.pidNamespace !== namespaceOf('pid')) return true
  let pids: string[]
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return run !== undefined
  }
  const entry = `${variable}=${value}`
  return pids.some((pid) => pid !== String(process.pid) && mayHaveVariable(pid, entry, run))
}

function mayHaveVariable(pid: string, entry: string, run: ProcessRun | undefined): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
    return environment.includes(entry) && environment.split('\0').includes(entry)
  } catch (error) {
    const isGone = ['ENOENT', 'ESRCH'].includes(codeOf(error))
    return !isGone && run !== undefined && !isOlder(startTimeOf(pid), run.startedAt)
  }
}

function isOlder(started: string | undefined, than: string | undefined): boolean {
  return started !== undefined && than !== undefined && Number(started) < Number(than)
}
