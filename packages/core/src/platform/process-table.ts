import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { codeOf, isOutOfDescriptors } from '../errors.js'
import { system } from './system.js'

/**
 * `own`: `kill` takes its pids. `foreign`: it is the table of another pid namespace, so its pids mean other processes.
 * `unreadable`: not mounted, empty, or not readable. `none`: this system has none.
 */
export type ProcessTable = 'own' | 'foreign' | 'unreadable' | 'none'

let table: ProcessTable | undefined

export function processTable(): ProcessTable {
  try {
    table ??= system.hasProc ? detectProcessTable() : 'none'
    return table
  } catch {
    return 'unreadable' // At the moment: no more files can be opened.
  }
}

function detectProcessTable(): ProcessTable {
  const own = String(process.pid)
  try {
    if (readlinkSync('/proc/self') !== own) return 'foreign'
    // A process can have the same pid in two namespaces. The table of the outer one lists both.
    const pids = /^NSpid:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    if (pids !== undefined && pids.trim() !== own) return 'foreign'
    return readdirSync('/proc').includes(own) ? 'own' : 'unreadable'
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return 'unreadable'
  }
}

export function listPids(): number[] {
  if (processTable() !== 'own') return []
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

/** The process may exist, but its file cannot be read. */
export const DENIED = Symbol('denied')

/** `undefined` if the process is gone, or the table is not `own`. */
export function readProcessFile(pid: number, name: string): string | typeof DENIED | undefined {
  if (processTable() !== 'own') return undefined
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(codeOf(error)) ? undefined : DENIED
  }
}

export function readProcessText(pid: number, name: string): string | undefined {
  const text = readProcessFile(pid, name)
  return text === DENIED ? undefined : text
}

/** The fields from the state on: `[0]` is field 3 of proc(5). The name before it can contain anything. */
export function parseStat(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

export function startTimeFrom(stat: string): string | undefined {
  return parseStat(stat)[19]
}
