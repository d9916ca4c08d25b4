import { loadLater } from '../platform/load-later.js'
import type { PortHistory, PortHistoryOptions } from './find-history.js'

export type { PortHistory, PortHistoryOptions, PortProcess, PortUse } from './find-history.js'

const loadHistory = loadLater(() => import('./find-history.js'))

/**
 * Finds out who has a port now, who had it and when, and why it is not handed out. Does not lease any port, nor
 * bind one that another process may have. The journals of the slice keep several hundred uses. With `host` and
 * `coordinator`, shows the same for a port of the other host; the database keeps the last 50 events of a port for
 * seven days.
 *
 * Strings such as labels come from other processes: escape control characters before you print them.
 *
 * @param port 1 to 65535
 * @param options the lock directory or the other host, and the range
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_COORDINATOR
 * @example
 * const { uses } = await portHistory(20003)
 */
export async function portHistory(
  port: number,
  options: PortHistoryOptions = {},
): Promise<PortHistory> {
  const { findHistory } = await loadHistory()
  return findHistory(port, options)
}
