import { loadLater } from '../platform/load-later.js'
import type { PortHistory, PortHistoryOptions } from './find-history.js'

export type { PortHistory, PortHistoryOptions, PortProcess, PortUse } from './find-history.js'

const loadHistory = loadLater(() => import('./find-history.js'))

/**
 * Tells who has a port now, who had it and when, and why it is not handed out. Only reads: it binds
 * no port that another process may have, and leases nothing.
 *
 * The past comes from the journals of the slice, of which some hundred takes are kept. Labels, commands
 * and other strings come from other processes: escape control characters before you print them.
 *
 * @param port 1 to 65535
 * @param options the lock directory, and the range
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID
 * @example
 * const { uses } = await portHistory(20003)
 * console.log(uses.map(({ label, since, until }) => `${label} ${since} to ${until}`))
 */
export async function portHistory(
  port: number,
  options: PortHistoryOptions = {},
): Promise<PortHistory> {
  const { findHistory } = await loadHistory()
  return findHistory(port, options)
}
