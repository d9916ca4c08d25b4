import type { ClaimStatus } from '../claim/list-claims.js'
import { checkListOptions } from '../options/options.js'
import { resolveLockDirectory } from '../options/resolve-lock-directory.js'
import { loadLater } from '../platform/load-later.js'
import type { ListSlicesOptions, SliceStatus } from '../slice/list-slices.js'
import { remoteHostOf } from './remote-host-of.js'

const loadSlices = loadLater(() => import('../slice/list-slices.js'))
const loadClaims = loadLater(() => import('../claim/list-claims.js'))

/**
 * Lists the slices that are held on this machine, and those in which dead holders left ports, ascending.
 * Slices of other users are listed without the information in their journals. With `host` and `coordinator`,
 * lists the slices of the other host.
 *
 * Strings such as labels come from other processes: escape control characters before you print them.
 *
 * @param options the lock directory, or the other host
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_COORDINATOR
 * @example
 * const out = (await listSlices()).flatMap(({ ports }) => ports.map(({ port }) => port))
 */
export async function listSlices(options: ListSlicesOptions = {}): Promise<SliceStatus[]> {
  checkListOptions(options)
  const remote = await remoteHostOf(options)
  if (remote) return remote.listSlices()
  const { listSlices } = await loadSlices()
  return listSlices(resolveLockDirectory(options.lockDirectory))
}

/** The claimed ports of this lock directory and network namespace, or of the other host, ascending. */
export async function listClaims(options: ListSlicesOptions = {}): Promise<ClaimStatus[]> {
  checkListOptions(options)
  const remote = await remoteHostOf(options)
  if (remote) return remote.listClaims()
  const { listClaims } = await loadClaims()
  return listClaims(resolveLockDirectory(options.lockDirectory))
}
