/**
 * The lock of a slice: a `proper-lockfile` lock, kept by the process that holds the slice's sentinel.
 *
 * It keeps holders in other network namespaces away, and shows people that the slice is taken. Its
 * directory holds one empty file whose name, the token, says which holder made it. The directory
 * appears at its path together with the token, and the token is replaced in one step, so that each
 * lock has exactly one owner at any moment, however its owners die.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import { codeOf, PortsliceError } from '../errors.js'
import { monotonicNow } from '../platform/clock.js'
import { processWide } from '../process-state.js'
import type { SliceStart } from './layout.js'
import { askLiveness } from './liveness.js'
import {
  ensureLockDirectory,
  journalPath,
  livenessPath,
  lockedPath,
  lockPath,
} from './lock-directory.js'
import { readSliceRecord } from './slice-record.js'

/** How often a lock is refreshed, in ms. */
const REFRESH_INTERVAL_MS = 5000
/** A lock that is not refreshed for so long, as watched by one process, may be that of a dead holder. ms */
export const STALE_AFTER_MS = 10_000

/** What stands at the path of a lock. */
type Found =
  | { kind: 'nothing' }
  /** A lock of ours, with its token. */
  | { kind: 'lock'; token: string; signature: string }
  /** Anything else, such as the lock of another program. */
  | { kind: 'obstacle'; signature: string }

/** Whether the holder of a lock lives, as far as this process can tell. */
export type HolderState = 'none' | 'alive' | 'dead' | 'unknown'

/** What a lock tells the holder of its slice. */
export interface LockEvents {
  /** The lock has been refreshed, as happens every 5 s. */
  refreshed(): void
  /** The lock was removed or replaced by hand, or its directory was. The slice is held all the same. */
  lost(): void
}

export class Lock {
  /** Names this lock: the host of its holder, and what tells it from all other locks. */
  readonly token: string
  readonly #directory: string
  readonly #slice: SliceStart
  readonly #host: string
  readonly #events: LockEvents
  readonly #path: string
  #unlock: (() => Promise<void>) | undefined
  #refreshedAt = new Date(0)

  constructor(directory: string, slice: SliceStart, host: string, events: LockEvents) {
    this.#directory = directory
    this.#slice = slice
    this.#host = host
    this.#events = events
    this.#path = lockPath(directory, slice)
    this.token = newToken(host)
  }

  /**
   * Takes the lock, also in place of a dead holder's. Call with the sentinel held.
   *
   * @returns whether it is ours now; otherwise a holder in another network namespace has it
   * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY; the system's error
   */
  async acquire(): Promise<boolean> {
    ensureLockDirectory(this.#directory)
    ownLocks.set(this.#path, this)
    // One that was lost is refreshed until proper-lockfile has noticed, and nothing else ends that.
    await this.#unlock?.().catch(() => {})
    this.#unlock = undefined
    try {
      this.#unlock = await lockfile.lock(lockedPath(this.#directory, this.#slice), {
        fs: FILE_SYSTEM,
        realpath: false, // What is locked need not exist.
        update: REFRESH_INTERVAL_MS,
        // `install` decides which locks are stale.
        stale: Number.POSITIVE_INFINITY,
        onCompromised: () => {
          this.#unlock = undefined
          this.#events.lost()
        },
      })
      return true
    } catch (error) {
      if (codeOf(error) === 'ELOCKED') return false
      throw error
    }
  }

  /** Whether the lock at the path is ours. */
  isOurs(): boolean {
    return existsSync(path.join(this.#path, this.token))
  }

  /** Puts our lock at its path. @throws EEXIST when another holder has it */
  async install(): Promise<void> {
    const found = find(this.#path)
    if (found.kind === 'nothing') this.#create()
    else if (found.kind === 'obstacle' || found.token !== this.token) await this.#takeOver(found)
    this.#refreshedAt = lstatSync(this.#path).mtime
  }

  #create(): void {
    const draft = `${this.#path}.${this.token}.new`
    mkdirSync(draft, { mode: 0o700 })
    try {
      writeFileSync(path.join(draft, this.token), '', { mode: 0o600 })
      // Fails when another lock has come to the path: a directory with something in it is not replaced.
      renameSync(draft, this.#path)
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      throw isOccupied(error) ? held(this.#path) : error
    }
  }

  async #takeOver(found: Exclude<Found, { kind: 'nothing' }>): Promise<void> {
    const state = await stateOf(found, this.#directory, this.#slice, {
      host: this.#host,
      holdsSentinel: true,
    })
    if (state !== 'dead') throw held(this.#path)
    if (found.kind === 'obstacle') {
      this.#remove((now) => now.kind === 'obstacle' && now.signature === found.signature)
      this.#create()
      return
    }
    try {
      renameSync(path.join(this.#path, found.token), path.join(this.#path, this.token))
    } catch (error) {
      // Another process was quicker.
      throw codeOf(error) === 'ENOENT' ? held(this.#path) : error
    }
  }

  /** Dates the lock now. @throws ENOENT when it is not ours any more */
  refresh(now: Date): void {
    this.#checkOurs()
    utimesSync(this.#path, now, now)
    this.#refreshedAt = now
    this.#events.refreshed()
  }

  /** When it was last refreshed. @throws ENOENT when it is not ours any more */
  refreshedAt(): Date {
    this.#checkOurs()
    return this.#refreshedAt
  }

  #checkOurs(): void {
    if (this.isOurs()) return
    throw Object.assign(new Error(`ENOENT: the lock ${this.#path} was removed or replaced`), {
      code: 'ENOENT',
    })
  }

  /** Removes the lock from its path, if it is ours. */
  remove(): void {
    this.#remove((found) => found.kind === 'lock' && found.token === this.token)
  }

  /** Moved away first: at no moment does something stand at the path that has no owner. */
  #remove(isMeant: (found: Found) => boolean): void {
    if (!isMeant(find(this.#path))) return
    const trash = `${this.#path}.${this.token}.old`
    try {
      renameSync(this.#path, trash)
      // Another process may have put its own there between the look and the move.
      if (isMeant(find(trash))) rmSync(trash, { recursive: true, force: true })
      else renameSync(trash, this.#path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }

  async release(): Promise<void> {
    // It may have been lost a moment ago, or its directory be gone: then there is nothing to undo.
    await this.#unlock?.().catch(() => {})
    this.#unlock = undefined
    ownLocks.delete(this.#path)
  }

  /** For the end of the process, when there is no time to wait. */
  releaseNow(): void {
    try {
      this.remove()
    } catch {
      // As above.
    }
  }
}

/**
 * Whether the holder of the slice's lock lives.
 *
 * @param host of this process: see `hostIdentity`
 * @param holdsSentinel whether this process holds the slice's sentinel: then no other holder of
 *   this host can be alive
 */
export function lockHolderState(
  directory: string,
  slice: SliceStart,
  context: { host: string; holdsSentinel: boolean },
): Promise<HolderState> {
  const found = find(lockPath(directory, slice))
  return found.kind === 'nothing'
    ? Promise.resolve('none')
    : stateOf(found, directory, slice, context)
}

/** The token of the lock at the slice's path; `undefined` where there is none of ours. */
export function lockToken(directory: string, slice: SliceStart): string | undefined {
  const found = find(lockPath(directory, slice))
  return found.kind === 'lock' ? found.token : undefined
}

async function stateOf(
  found: Exclude<Found, { kind: 'nothing' }>,
  directory: string,
  slice: SliceStart,
  { host, holdsSentinel }: { host: string; holdsSentinel: boolean },
): Promise<HolderState> {
  const token = found.kind === 'lock' ? found.token : undefined
  if (token !== undefined && holdsSentinel && hostOf(token) === host) return 'dead'
  // The journal is read before the socket is asked. A holder replaces the socket of the holder
  // before it, and only then writes its own journal: so the socket asked is the one of this lock.
  const isNamed =
    token !== undefined && readSliceRecord(journalPath(directory, slice))?.lock === token
  const liveness = await askLiveness(livenessPath(directory, slice))
  if (liveness === 'accepted') return 'alive'
  if (liveness === 'unknown') return 'unknown'
  if (liveness === 'refused' && isNamed && isSameKernel(hostOf(token), host)) return 'dead'
  return isStale(lockPath(directory, slice), found.signature) ? 'dead' : 'unknown'
}

/** The part of a host identity that names the boot: a socket of another kernel refuses, or is missing, though its holder lives. */
function isSameKernel(one: string, other: string): boolean {
  return one.split('/')[0] === other.split('/')[0]
}

interface Watched {
  signature: string
  /** On the monotonic clock of this process, in ms. */
  since: number
}

/** Whether the lock has stayed as it is for 10 s, while this process watched. */
function isStale(lock: string, signature: string): boolean {
  const watched = processWide('watched locks', () => new Map<string, Watched>())
  const before = watched.get(lock)
  if (before?.signature === signature) return monotonicNow() - before.since >= STALE_AFTER_MS
  watched.set(lock, { signature, since: monotonicNow() })
  return false
}

function find(lock: string): Found {
  let names: string[] | undefined
  try {
    names = readdirSync(lock)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !existsAsLink(lock)) return { kind: 'nothing' }
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) throw error
  }
  const stats = lstatSync(lock, { bigint: true, throwIfNoEntry: false })
  if (!stats) return { kind: 'nothing' }
  const tokens = names?.filter((name) => TOKEN.test(name)) ?? []
  const [token] = tokens
  const signature = `${tokens.join(' ')} ${stats.ino} ${stats.mtimeNs}`
  return token !== undefined && tokens.length === 1
    ? { kind: 'lock', token, signature }
    : { kind: 'obstacle', signature }
}

/** A dangling link is an obstacle, too. */
function existsAsLink(lock: string): boolean {
  return lstatSync(lock, { throwIfNoEntry: false }) !== undefined
}

/** What a rename says when a directory with something in it, or a file, is at its target. */
const OCCUPIED = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR']
const OCCUPIED_ON_WINDOWS = ['EPERM', 'EACCES']

function isOccupied(error: unknown): boolean {
  const code = codeOf(error)
  return (
    OCCUPIED.includes(code) || (process.platform === 'win32' && OCCUPIED_ON_WINDOWS.includes(code))
  )
}

function held(lock: string): Error {
  return Object.assign(new Error(`EEXIST: the lock ${lock} is held`), { code: 'EEXIST' })
}

/** The host, and what no other lock of this kernel has: pids are reused, moments are not. */
const TOKEN = /^([^@]+)@(\d+-[0-9a-z]+-[0-9a-z]+)$/
const { hrtime } = process
let locksMade = 0

function newToken(host: string): string {
  const moment = hrtime.bigint().toString(36)
  return `${encodeURIComponent(host).slice(0, 150)}@${process.pid}-${moment}-${(locksMade++).toString(36)}`
}

function hostOf(token: string): string {
  try {
    return decodeURIComponent(TOKEN.exec(token)?.[1] ?? '')
  } catch {
    return ''
  }
}

/** The locks that this thread holds or wants, by their paths: the sentinel keeps others away. */
const ownLocks = new Map<string, Lock>()

/**
 * The file system as proper-lockfile sees it; one object, as it notes the precision of file times
 * on it. Nothing here waits for Node's threads: starting them takes a fresh process longer than
 * all of this.
 */
const FILE_SYSTEM = {
  mkdir(lock: string, callback: Callback) {
    const installing = ownLock(lock).install()
    installing.then(() => callback(null), callback)
  },
  stat(lock: string, callback: Callback<{ mtime: Date }>) {
    answer(callback, () => ({ mtime: ownLock(lock).refreshedAt() }))
  },
  utimes(lock: string, _: Date, mtime: Date, callback: Callback) {
    answer(callback, () => ownLock(lock).refresh(mtime))
  },
  rmdir(lock: string, callback: Callback) {
    answer(callback, () => ownLock(lock).remove())
  },
}

function ownLock(lock: string): Lock {
  const own = ownLocks.get(lock)
  if (own) return own
  throw new PortsliceError('ERR_PORTSLICE_CLOSED', `The lock ${lock} has been released.`, {
    advice: 'This is an error in portslice: please report it.',
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
