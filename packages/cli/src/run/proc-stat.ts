import { readFileSync } from 'node:fs'

/**
 * The fields of `/proc/<pid>/stat` from the state on, so `[0]` is field 3 of proc(5); `undefined`
 * if there is no such process, or no /proc.
 */
export function procStat(pid: number | 'self'): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // `pid (name) state parent group …`: a name can hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
