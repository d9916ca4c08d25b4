/**
 * A lock appears together with its liveness socket in one rename, which fails if another lock is there. A process
 * breaks a lock by unlinking its token, which succeeds for one process only. Then the first process that renames
 * its own lock onto the empty directory gets it. So a lock has one owner at any moment, even if processes are
 * stopped or killed between these steps.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import { codeOf } from '../errors.js'
import { system } from '../platform/system.js'
import { findLock, LOCK_MODE } from './find-lock.js'
import type { SliceStart } from './layout.js'
import { askLiveness, type LivenessSocket, linkSocket } from './liveness.js'
import { ensureLockDirectory } from './lock-directory.js'
import { holderStateOf, type OccupyingLock } from './lock-holder.js'
import { createToken, draftPath, type NewToken } from './lock-token.js'
import { type LockFiles, lockfileFs } from './lockfile-fs.js'
import { livenessPath, lockedPath, lockPath } from './slice-paths.js'

const REFRESH_INTERVAL_MS = 5000

export interface LockEvents {
  refreshed(): void
  /** The lock was removed or replaced by hand. The slice is still held. */
  lost(): void
}

export class Lock implements LockFiles {
  readonly #directory: string
  readonly #slice: SliceStart
  readonly #host: string
  readonly #events: LockEvents
  readonly #path: string
  /** A fixed path for people. Decisions use the socket in the lock. */
  readonly #shownPath: string
  readonly #fs = lockfileFs(this)
  #token = ''
  #liveness: LivenessSocket | undefined
  #unlock: (() => Promise<void>) | undefined
  #refreshedAt = new Date(0)
  #isAcquiring = false
  #acquisitions = 0

  constructor(directory: string, slice: SliceStart, host: string, events: LockEvents) {
    this.#directory = directory
    this.#slice = slice
    this.#host = host
    this.#events = events
    this.#path = lockPath(directory, slice)
    this.#shownPath = livenessPath(directory, slice)
  }

  get token(): string {
    return this.#token
  }

  /** Requires the sentinel. @returns false if a holder in another network namespace has the lock */
  async acquire(): Promise<boolean> {
    ensureLockDirectory(this.#directory)
    // proper-lockfile may not have noticed that the lock is lost, and only this call stops its timer.
    await this.#unlock?.().catch(() => {})
    this.#unlock = undefined
    const acquisition = ++this.#acquisitions
    this.#isAcquiring = true
    try {
      this.#unlock = await lockfile.lock(lockedPath(this.#directory, this.#slice), {
        fs: this.#fs,
        realpath: false, // The locked path need not exist.
        update: REFRESH_INTERVAL_MS,
        stale: Number.POSITIVE_INFINITY, // `install` decides which locks are stale.
        onCompromised: () => {
          if (acquisition !== this.#acquisitions) return
          this.#unlock = undefined
          this.#events.lost()
        },
      })
      return true
    } catch (error) {
      if (codeOf(error) === 'ELOCKED') return false
      throw error
    } finally {
      this.#isAcquiring = false
    }
  }

  get isRefreshed(): boolean {
    return this.#unlock !== undefined
  }

  /** @throws the system error: unknown is not absent */
  isOurs(): boolean {
    if (this.#token === '') return false
    try {
      return lstatSync(this.#tokenPath, { throwIfNoEntry: false }) !== undefined
    } catch (error) {
      if (codeOf(error) === 'ENOTDIR') return false
      throw error
    }
  }

  get #tokenPath(): string {
    return path.join(this.#path, this.#token)
  }

  async install(): Promise<void> {
    if (this.isOurs()) return
    const found = findLock(this.#path)
    if (found.kind === 'nothing' || found.kind === 'ownerless') {
      // The lock of a live holder may have been removed by hand.
      if (await this.#isOtherSocketAlive()) throw this.#heldError()
    } else {
      const observer = { host: this.#host, holdsSentinel: true }
      const state = await holderStateOf(found, this.#directory, this.#slice, observer)
      if (state !== 'dead') throw this.#heldError()
      this.#break(found)
    }
    this.#create()
  }

  async #isOtherSocketAlive(): Promise<boolean> {
    if (!existsSync(this.#shownPath) || this.#liveness?.isAt(this.#shownPath)) return false
    return (await askLiveness(this.#shownPath)) === 'accepted'
  }

  #break(found: OccupyingLock): void {
    if (found.kind === 'obstacle') {
      this.#removeObstacle(found.signature)
      return
    }
    try {
      unlinkSync(path.join(this.#path, found.token))
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? this.#heldError() : error
    }
  }

  #create(): void {
    const draft = draftPath(this.#directory, this.#slice, 'new')
    mkdirSync(draft, { mode: LOCK_MODE })
    let created: NewToken | undefined
    try {
      created = createToken(draft, this.#path, this.#host)
      renameSync(draft, this.#path) // Replaces an empty directory, but not another lock.
    } catch (error) {
      created?.liveness?.close()
      rmSync(draft, { recursive: true, force: true })
      throw isOccupied(error) || this.#isRaceLost(error) ? this.#heldError() : error
    }
    this.#liveness?.close()
    this.#token = created.token
    this.#liveness = created.liveness
    this.#refreshedAt = lstatSync(this.#path).mtime
    this.#showLiveness()
  }

  #showLiveness(): void {
    try {
      if (!this.#liveness) rmSync(this.#shownPath, { force: true })
      else if (!this.#liveness.isAt(this.#shownPath)) {
        const draft = draftPath(this.#directory, this.#slice, 'new')
        linkSocket(this.#tokenPath, this.#shownPath, draft)
      }
    } catch {
      // A file system without hard links, or a full disk.
    }
  }

  refresh(now: Date): void {
    this.#checkOurs()
    // proper-lockfile asks how precise the time of a file is. It gets `now` back, and the lock is new.
    if (this.#isAcquiring) {
      this.#refreshedAt = now
      return
    }
    // Refresh also the token, because cleaners of temporary directories remove old files.
    for (const file of [this.#tokenPath, this.#path]) utimesSync(file, now, now)
    this.#refreshedAt = now
    this.#showLiveness()
    this.#events.refreshed()
  }

  refreshedAt(): Date {
    this.#checkOurs()
    return this.#refreshedAt
  }

  #checkOurs(): void {
    if (!this.isOurs()) throw lockError('ENOENT', `${this.#path} was removed or replaced`)
  }

  remove(): void {
    if (this.#token === '') return // It was never acquired, so the files at the path belong to others.
    try {
      if (this.#liveness?.isAt(this.#shownPath)) unlinkSync(this.#shownPath)
      unlinkSync(this.#tokenPath)
      rmdirSync(this.#path)
    } catch (error) {
      // It was lost, or another process has already renamed its lock onto the empty directory.
      if (codeOf(error) !== 'ENOENT' && !isOccupied(error)) throw error
    }
  }

  #isRaceLost(error: unknown): boolean {
    return codeOf(error) === 'ENOENT' && existsSync(this.#directory)
  }

  /** Moves it away first, because a lock may appear at the path at any moment. */
  #removeObstacle(signature: string): void {
    const trash = draftPath(this.#directory, this.#slice, 'old')
    try {
      renameSync(this.#path, trash)
      const moved = findLock(trash)
      if (moved.kind === 'obstacle' && moved.signature === signature) {
        rmSync(trash, { recursive: true, force: true })
        return
      }
      renameSync(trash, this.#path)
    } catch (error) {
      if (!isOccupied(error) && !this.#isRaceLost(error)) throw error
    }
    throw this.#heldError()
  }

  #heldError(): Error {
    return lockError('EEXIST', `${this.#path} is held`)
  }

  async release(): Promise<void> {
    // Fails if the lock or its directory has just been lost: then there is nothing to undo.
    await this.#unlock?.().catch(() => {})
    this.#end()
  }

  releaseNow(): void {
    try {
      this.remove()
    } catch {}
    this.#end()
  }

  #end(): void {
    this.#unlock = undefined
    this.#liveness?.close()
  }
}

function isOccupied(error: unknown): boolean {
  return system.occupiedCodes.includes(codeOf(error))
}

function lockError(code: 'EEXIST' | 'ENOENT', problem: string): Error {
  return Object.assign(new Error(`${code}: the lock ${problem}`), { code })
}
