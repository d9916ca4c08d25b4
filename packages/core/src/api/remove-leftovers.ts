import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkListOptions } from '../options/options.js'
import { sleep } from '../platform/clock.js'
import { checkLockDirectory } from '../slice/lock-directory.js'
import { STALE_AFTER_MS } from '../slice/lock-holder.js'
import type { Leftover } from './leftover.js'
import { removeClaimLeftovers } from './remove-claim-leftovers.js'
import { removeSliceLeftovers } from './remove-slice-leftovers.js'

export type { Leftover }

/** Options of {@link removeLeftovers}. */
export interface RemoveLeftoversOptions {
  /** The directory to clean; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
  /** Only report what would be removed. Default: false. */
  dryRun?: boolean
}

/**
 * Removes the journals, locks, sockets and claim notes of dead holders whose quarantine has ended.
 *
 * Each slice is held meanwhile, so that no other process leases it. If it is unknown whether the
 * holder of a lock lives, the lock is removed if it has not been refreshed for 10 s.
 *
 * @param options which directory, and whether to remove anything
 * @returns what was found, ascending, and why it was kept
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY if the directory is not safe to use;
 *   …_OPTION_INVALID
 * @example
 * const leftovers = await removeLeftovers({ dryRun: true })
 * const removable = leftovers.filter(({ kept }) => kept === undefined)
 */
export async function removeLeftovers({
  dryRun = false,
  ...options
}: RemoveLeftoversOptions = {}): Promise<Leftover[]> {
  checkListOptions(options)
  const lockDirectory = lockDirectoryFor(options.lockDirectory)
  if (lockDirectory === undefined || !checkLockDirectory(lockDirectory)) return []
  let found = await removeSliceLeftovers(lockDirectory, dryRun)
  const isUnclear = found.some(({ kept }) => kept === 'elsewhere' || kept === 'locked')
  if (isUnclear && !dryRun) {
    const removed = found.filter(({ kept }) => kept === undefined)
    await sleep(STALE_AFTER_MS)
    found = [...removed, ...(await removeSliceLeftovers(lockDirectory, dryRun))]
  }
  const ofSlices = found.sort((a, b) => a.first - b.first)
  return [...ofSlices, ...(await removeClaimLeftovers(lockDirectory, dryRun))]
}
