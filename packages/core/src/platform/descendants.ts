/** Processes of a dead run that may still bind its port. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { codeOf } from '../errors.js'

/** A run of a process, so that its descendants can be told from other processes. */
export interface ProcessRun {
  /** When it was started, in the kernel's clock ticks since boot; missing where that is not known. */
  readonly startedAt?: string
  /** Its pid namespace; missing where that is not known. */
  readonly pidNamespace?: string
}

export interface DescendantQuery {
  /** The environment variable that the run gave to all that it started. */
  variable: string
  value: string
  /** The run that died; without it, only a process that is seen to have the variable counts. */
  run?: ProcessRun | undefined
}

/**
 * Whether a process of a run is left, as far as its environment tells. With `run`, a process whose
 * environment cannot be read counts as well, unless it is older than the run.
 */
export function isAnyDescendantLeft({ variable, value, run }: DescendantQuery): boolean {
  if (process.platform !== 'linux') return run !== undefined
  if (run && run.pidNamespace !== pidNamespace()) return true
  let names: string[]
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return run !== undefined
  }
  const entry = `${variable}=${value}`
  return names.some((name) => name !== String(process.pid) && mayHave(name, entry, run))
}

function mayHave(pid: string, entry: string, run: ProcessRun | undefined): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1')
    return environment.includes(entry) && environment.split('\0').includes(entry)
  } catch (error) {
    const hasGone = ['ENOENT', 'ESRCH'].includes(codeOf(error))
    return !hasGone && run !== undefined && !isOlder(startOf(pid), run.startedAt)
  }
}

function isOlder(started: string | undefined, than: string | undefined): boolean {
  return started !== undefined && than !== undefined && Number(started) < Number(than)
}

/** When a process was started, in clock ticks since boot; `undefined` where that cannot be read. */
function startOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // `pid (name) state …`: a name can hold anything, also spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function pidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

/**
 * Whether a process that wrote down its pid and its run is still running. A pid alone tells
 * nothing: pids are reused, and mean another process in another namespace.
 */
export function processStateOf(pid: number, run: ProcessRun): 'running' | 'gone' | 'unknown' {
  const isComparable = run.startedAt !== undefined && run.pidNamespace === pidNamespace()
  if (process.platform !== 'linux' || !isComparable || startOf('self') === undefined)
    return 'unknown'
  return startOf(String(pid)) === run.startedAt ? 'running' : 'gone'
}

/** This run of this process. */
export function ownRun(): ProcessRun {
  if (process.platform !== 'linux') return {}
  const [startedAt, namespace] = [startOf('self'), pidNamespace()]
  return {
    ...(startedAt !== undefined && { startedAt }),
    ...(namespace !== undefined && { pidNamespace: namespace }),
  }
}
