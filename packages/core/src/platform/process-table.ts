/** The table of processes in Linux' /proc, and whether its numbers may be used. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { codeOf, isOutOfDescriptors } from '../errors.js'

/**
 * Which processes /proc shows. `own`: its numbers are those that this process and `kill` use.
 * `foreign`: it belongs to another PID namespace, so its numbers mean other processes here.
 * `unreadable`: it is not mounted, empty, or may not be read. `none`: this is not Linux.
 */
export type ProcessTable = 'own' | 'foreign' | 'unreadable' | 'none'

let table: ProcessTable | undefined

/** Which processes /proc shows. Found out once, as it does not change while a process runs. */
export function processTable(): ProcessTable {
  try {
    table ??= process.platform === 'linux' ? findProcessTable() : 'none'
    return table
  } catch {
    return 'unreadable' // For now: no more files can be opened.
  }
}

function findProcessTable(): ProcessTable {
  const own = String(process.pid)
  try {
    if (readlinkSync('/proc/self') !== own) return 'foreign'
    // Two namespaces can use the same number by chance. The table of an outer one then lists both.
    const numbers = /^NSpid:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    if (numbers !== undefined && numbers.trim() !== own) return 'foreign'
    return readdirSync('/proc').includes(own) ? 'own' : 'unreadable'
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return 'unreadable'
  }
}

/**
 * The numbers of all processes; none if the table is not `own`.
 *
 * @throws the system's error when no more files can be opened (EMFILE …)
 */
export function processNumbers(): number[] {
  if (processTable() !== 'own') return []
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
}

/** The answer for a process that may be there, and cannot be looked into. */
export const DENIED = Symbol('denied')

/** Reads a file of a process; `undefined` if that process has gone, or the table is not `own`. */
export function readProcessFile(pid: number, name: string): string | typeof DENIED | undefined {
  if (processTable() !== 'own') return undefined
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(codeOf(error)) ? undefined : DENIED
  }
}

/**
 * As `readProcessFile`, without the difference between gone and denied.
 *
 * @param pid of the process
 * @param name of the file below `/proc/<pid>`
 */
export function readProcessText(pid: number, name: string): string | undefined {
  const text = readProcessFile(pid, name)
  return text === DENIED ? undefined : text
}
