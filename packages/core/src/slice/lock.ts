/**
 * The lock of a slice: `proper-lockfile`, kept by whoever holds the slice's sentinel.
 *
 * It shows people and holders in other network namespaces that the slice is taken. It can be
 * lost while its owner lives (a blocked event loop, a debugger, a deleted folder), so losing
 * it decides nothing: the owner takes it again, and never hears of it.
 */

import { lstatSync, rmdirSync, type Stats, statSync, utimesSync } from 'node:fs'
import lockfile from 'proper-lockfile'
import { codeOf, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { clearTimeout, setTimeout } from '../platform/clock.js'
import { type LockMark, readJournal } from './journal.js'
import type { SliceStart } from './layout.js'
import {
  ensureLockDirectory,
  journalPath,
  lockedPath,
  lockPath,
  refusal,
} from './lock-directory.js'
import { breakLock, folderIdentity, isStaleObstacle, makeLock, STALE_AFTER } from './lock-folder.js'

/** How soon a lost lock is taken again, in ms; doubles up to the time in which locks go stale. */
const FIRST_RETRY = 100

export interface LockOptions {
  folder: string
  slice: SliceStart
  /** {@link hostIdentity} */
  host: string
  /**
   * Called at the very moment the lock has been made, the first time and whenever it was lost
   * and is made again, for the journal to say whose it is. Must not throw. `undefined` where it
   * is gone already.
   */
  onMade: (mark: LockMark | undefined) => void
  /** Called whenever the lock has been refreshed, every few seconds. Must not throw. */
  onRefreshed: () => void
  /** Called when the lock cannot be taken for now. The slice is held all the same. */
  onTrouble: (error: unknown) => void
  /** Whether the sentinel alone will do for now, after this error, while the lock is tried for again. */
  canWait: (error: unknown) => boolean
}

export interface SliceLock {
  release(): Promise<void>
  /** For the end of the process, when there is no time to wait. */
  releaseNow(): void
}

/**
 * Takes the lock, or gives `undefined` when a holder elsewhere has it. Call with the
 * sentinel held.
 *
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY when the folder cannot be used, unless
 *   `canWait`; the system's error when it has no more file descriptors
 */
export async function takeLock(options: LockOptions): Promise<SliceLock | undefined> {
  const lock = new KeptLock(options)
  try {
    if (await lock.take()) return lock
    await lock.release()
    return undefined
  } catch (error) {
    if (!options.canWait(error)) {
      await lock.release()
      throw asRefusal(options.folder, error)
    }
    options.onTrouble(error)
    lock.retryLater()
    return lock
  }
}

/** An error of the folder says so; that the process has too many files open is another matter. */
function asRefusal(folder: string, error: unknown): unknown {
  if (error instanceof PortsliceError || isOutOfDescriptors(error)) return error
  return refusal(folder, `cannot be written to (${(error as Error).message})`, error)
}

/** What taking over a stale lock answers when something else stands in its place. */
const NO_EMPTY_FOLDER = new Set(['ENOTDIR', 'ENOTEMPTY', 'EEXIST'])

class KeptLock implements SliceLock {
  readonly #options: LockOptions
  readonly #path: string
  #unlock: (() => Promise<void>) | undefined
  /** Which folder is our lock: another may stand in its place once it was lost. */
  #made: LockMark | undefined
  #retry: NodeJS.Timeout | undefined
  #retryAfter = FIRST_RETRY
  #regaining: Promise<void> | undefined
  #released = false

  constructor(options: LockOptions) {
    this.#options = options
    this.#path = lockPath(options.folder, options.slice)
  }

  async take(): Promise<boolean> {
    if (await this.#attempt()) return true
    const isForUs = () => this.#isLeftByThisHost() || isStaleObstacle(this.#path)
    if (!isForUs()) return false
    breakLock(this.#path, isForUs)
    return this.#attempt()
  }

  async #attempt(): Promise<boolean> {
    const { folder, slice } = this.#options
    ensureLockDirectory(folder)
    keptLocks.set(this.#path, this)
    try {
      this.#unlock = await lockfile.lock(lockedPath(folder, slice), {
        fs: FILE_SYSTEM,
        realpath: false, // What is locked need not exist.
        update: STALE_AFTER / 2,
        // Stale locks are taken over by `makeLock`, and only by one.
        stale: Number.POSITIVE_INFINITY,
        onCompromised: () => this.#lost(),
      })
      return true
    } catch (error) {
      if (codeOf(error) === 'ELOCKED' || NO_EMPTY_FOLDER.has(codeOf(error))) return false
      throw error
    }
  }

  /**
   * Whether the lock that stands there was left by a holder of this network namespace. We
   * hold the sentinel, so that holder is dead and its lock may be broken at once. Another lock
   * than the journal's is somebody's elsewhere who has not come round to writing yet. In a copy
   * of the folder no lock is the journal's: there, one that is older than the journal may be.
   */
  #isLeftByThisHost(): boolean {
    const { folder, slice, host } = this.#options
    const journal = readJournal(journalPath(folder, slice))
    if (journal?.lease?.host !== host || journal.ended) return false
    const lock = lstatSync(this.#path, { throwIfNoEntry: false })
    if (lock === undefined) return true
    const mark = this.#mark()
    if (mark && journal.lock?.folder === mark.folder) return journal.lock.lock === mark.lock
    return lock.birthtimeMs <= journal.changedAt
  }

  /** What tells the lock that stands now from every other; `undefined` where there is none. */
  #mark(): LockMark | undefined {
    const folder = folderIdentity(this.#options.folder)
    const lock = folderIdentity(this.#path)
    return folder && lock ? { folder, lock } : undefined
  }

  /** To be called at the very moment it has been made. */
  made(): void {
    this.#made = this.#mark()
    this.#options.onMade(this.#made)
  }

  refreshed(): void {
    this.#options.onRefreshed()
  }

  /** Whether what stands there is what we have made: else it is not ours to refresh or to remove. */
  isOurs(): boolean {
    return this.#made !== undefined && folderIdentity(this.#path) === this.#made.lock
  }

  #lost(): void {
    this.#unlock = undefined
    this.#retryAfter = FIRST_RETRY
    this.#startRegaining()
  }

  #startRegaining(): void {
    this.#regaining = this.#regain()
  }

  async #regain(): Promise<void> {
    if (this.#released) return
    try {
      if (await this.take()) return
    } catch (error) {
      this.#options.onTrouble(error)
    }
    this.retryLater()
  }

  retryLater(): void {
    if (this.#released) return
    this.#retry = setTimeout(() => this.#startRegaining(), this.#retryAfter)
    this.#retry.unref()
    this.#retryAfter = Math.min(this.#retryAfter * 2, STALE_AFTER)
  }

  async release(): Promise<void> {
    this.#released = true
    clearTimeout(this.#retry)
    // Whoever holds the sentinel next must not meet a late attempt of ours.
    await this.#regaining
    // It may have been lost a moment ago, or its folder be gone: then there is nothing to undo.
    await this.#unlock?.().catch(() => {})
    this.#unlock = undefined
    keptLocks.delete(this.#path)
  }

  releaseNow(): void {
    if (!this.isOurs()) return
    try {
      rmdirSync(this.#path)
    } catch {
      // As above.
    }
  }
}

/** The locks that are wanted or held, by their paths. Whoever has the sentinel has the entry. */
const keptLocks = new Map<string, KeptLock>()

/**
 * The file system as proper-lockfile sees it; one object, as it notes the precision of file
 * times on it.
 *
 * A lock is made and its journal written in one go, so that hardly a death falls between the
 * two and leaves a lock of which nobody knows whose it is. Nothing here waits for Node's
 * threads: starting them takes a fresh process longer than all of this.
 *
 * Whatever else somebody puts in the place of our lock is to go stale. proper-lockfile would
 * tell it by its time alone, which it reads after the lock has been made, and refresh it for ever.
 */
const FILE_SYSTEM = {
  mkdir(path: string, callback: Callback) {
    answer(callback, () => {
      makeLock(path)
      keptLocks.get(path)?.made()
    })
  },
  stat(path: string, callback: Callback<Stats>) {
    answer(callback, () => {
      ownAt(path)
      return statSync(path)
    })
  },
  utimes(path: string, atime: Date, mtime: Date, callback: Callback) {
    answer(callback, () => {
      const lock = ownAt(path)
      utimesSync(path, atime, mtime)
      lock.refreshed()
    })
  },
  rmdir(path: string, callback: Callback) {
    answer(callback, () => {
      ownAt(path)
      rmdirSync(path)
    })
  },
}

/** @throws ENOENT when our lock has gone, whatever may stand in its place */
function ownAt(path: string): KeptLock {
  const lock = keptLocks.get(path)
  if (lock?.isOurs()) return lock
  throw Object.assign(new Error(`ENOENT: the lock ${path} was removed or replaced`), {
    code: 'ENOENT',
  })
}

type Callback<T = void> = (error: unknown, result?: T) => void

function answer<T>(callback: Callback<T>, act: () => T): void {
  let result: T
  try {
    result = act()
  } catch (error) {
    callback(error)
    return
  }
  callback(null, result)
}
