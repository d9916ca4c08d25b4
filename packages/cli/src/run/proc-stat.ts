import { parseStat, readProcessText } from '@portslice/core/internal/inspect'

/**
 * The fields of `/proc/<pid>/stat` from the state on: `[0]` is field 3 of proc(5). `undefined` without such a
 * process, or without the /proc of this PID namespace.
 */
export function procStat(pid: number): string[] | undefined {
  const stat = readProcessText(pid, 'stat')
  return stat === undefined ? undefined : parseStat(stat)
}
