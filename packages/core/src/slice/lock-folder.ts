/**
 * The empty folder that a lock is: made by one, told from every other, and removed by one when
 * whoever made it is dead.
 *
 * Two who find the same dead lock would else both remove it: the second one the lock that the
 * first has made meanwhile. So whoever wants to remove a lock first makes a guard that is named
 * after that very lock: there is one right to remove it, and none to remove another.
 */
import { lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { codeOf } from '../errors.js'
import { Date } from '../platform/clock.js'

/** A lock that has not been refreshed for so long, in ms, may be taken over by anybody. */
export const STALE_AFTER = 10_000

/** Makes the lock, also in the place of one that has gone stale. @throws EEXIST when it is held */
export function makeLock(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // What is not an empty folder is not ours to remove without another look.
    removeOnce(path, () => isStale(path), rmdirSync)
    mkdirSync(path)
  }
}

/** Removes what stands at the path of a lock, unless somebody else is about to. */
export function breakLock(path: string, mayRemove: () => boolean): void {
  removeOnce(path, mayRemove, () => rmSync(path, { recursive: true, force: true }))
}

/**
 * Whether something else has long stood in the lock's place: a file, a link, a folder with
 * something in it. `makeLock` does not take over such a one. Any of it may vanish meanwhile.
 */
export function isStaleObstacle(path: string): boolean {
  if (!isStale(path)) return false
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found?.isDirectory()) return found !== undefined
  try {
    return readdirSync(path).length > 0
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

function isStale(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.mtimeMs < Date.now() - STALE_AFTER
}

/** Inodes are used again at once, so the time of birth tells as well; `undefined` when it is gone. */
export function folderIdentity(path: string): string | undefined {
  try {
    const { ino, birthtimeNs } = lstatSync(path, { bigint: true })
    return `${ino}-${birthtimeNs}`
  } catch {
    return undefined
  }
}

function removeOnce(path: string, mayRemove: () => boolean, remove: (path: string) => void): void {
  const identity = folderIdentity(path)
  if (identity === undefined || !mayRemove()) return
  const guards = guardsFor(`${path}.${identity}.breaking`)
  if (!guards) return
  try {
    // Somebody may have been through with it before the guard was made.
    if (folderIdentity(path) === identity && mayRemove()) remove(path)
  } catch (error) {
    // Its maker may live after all, and have removed it.
    if (codeOf(error) !== 'ENOENT') throw error
  } finally {
    for (const guard of guards) rmSync(guard, { recursive: true, force: true })
  }
}

/**
 * The guard that gives the right, after those whose makers died with it; `undefined` when
 * somebody has the right now. A guard is never removed to be made again: two could do so.
 */
function guardsFor(name: string): string[] | undefined {
  const guards: string[] = []
  for (;;) {
    const guard = `${name}-${guards.length + 1}`
    guards.push(guard)
    try {
      mkdirSync(guard)
      return guards
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      if (!isStale(guard)) return undefined
    }
  }
}
