import { checkListOptions } from '../options/options.js'
import { resolveLockDirectory } from '../options/resolve-lock-directory.js'
import { sleep } from '../platform/clock.js'
import { checkLockDirectory } from '../slice/lock-directory.js'
import { STALE_AFTER_MS } from '../slice/lock-holder.js'
import type { Leftover } from './leftover.js'
import { removeClaimLeftovers } from './remove-claim-leftovers.js'
import { removeSliceLeftovers } from './remove-slice-leftovers.js'

export type { Leftover }

export interface RemoveLeftoversOptions {
  lockDirectory?: string | false
  dryRun?: boolean
}

/**
 * Removes journals, locks, sockets and claim notes of dead holders whose quarantine has ended. Each slice is
 * held meanwhile. A lock whose holder cannot be checked is removed if it has not been refreshed for 10 s.
 *
 * @returns the leftovers, ascending, and why they were kept
 */
export async function removeLeftovers({
  dryRun = false,
  ...options
}: RemoveLeftoversOptions = {}): Promise<Leftover[]> {
  checkListOptions(options)
  const lockDirectory = resolveLockDirectory(options.lockDirectory)
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
