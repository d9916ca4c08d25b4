/**
 * The lock of a slice: a `proper-lockfile` lock, kept by the process that holds the slice's sentinel.
 *
 * It keeps holders in other network namespaces away, and shows people that the slice is taken. Its
 * directory holds the holder's liveness socket, whose name, the token, says which host it is of.
 * Lock and socket appear at their path in one step, by a rename, which fails if another lock is
 * there. To break a lock is to unlink that very token, which succeeds for one process alone; the
 * empty directory then belongs to the first that renames its own lock onto it. So a lock has one
 * owner at any moment, however many find it at once and wherever they are stopped or killed.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import { codeOf } from '../errors.js'
import { monotonicNow } from '../platform/clock.js'
import { processWide } from '../process-state.js'
import { hash, LAST_PORT, type SliceStart } from './layout.js'
import { askLiveness, isSocketPath, LivenessSocket } from './liveness.js'
import { ensureLockDirectory, livenessPath, lockedPath, lockPath } from './lock-directory.js'

/** How often a lock is refreshed, in ms. */
const REFRESH_INTERVAL_MS = 5000
/** A lock that is not refreshed for so long, as watched by one process, may be that of a dead holder. ms */
export const STALE_AFTER_MS = 10_000
/**
 * The mode of a lock. The sticky bit means nothing on a directory that only its owner can write to;
 * it tells a lock of ours that has lost its token from an empty directory that another program made.
 */
const LOCK_MODE = 0o1700
const STICKY_BIT = 0o1000n

/** What stands at the path of a lock. */
type Found =
  | { kind: 'nothing' }
  /** A lock of ours, with its token. */
  | { kind: 'lock'; token: string; signature: string }
  /** A lock of ours whose owner was killed while it gave it back, or broke another. */
  | { kind: 'ownerless' }
  /** Anything else, such as the lock of another program. */
  | { kind: 'obstacle'; signature: string }

/** Whether the holder of a lock lives, as far as this process can tell. */
export type HolderState = 'none' | 'alive' | 'dead' | 'unknown'

/** Where a process stands that judges a lock. */
export interface Observer {
  /** See `hostIdentity`. */
  readonly host: string
  /** Whether it holds the slice's sentinel: then no other holder of this host is alive. */
  readonly holdsSentinel: boolean
}

/** What a lock tells the holder of its slice. */
export interface LockEvents {
  /** The lock has been refreshed, as happens every 5 s. */
  refreshed(): void
  /** The lock was removed or replaced by hand, or its directory was. The slice is held all the same. */
  lost(): void
}

export class Lock {
  readonly #directory: string
  readonly #slice: SliceStart
  readonly #host: string
  readonly #events: LockEvents
  readonly #path: string
  /** Names this lock: see {@link newToken}. */
  #token = ''
  #liveness: LivenessSocket | undefined
  #unlock: (() => Promise<void>) | undefined
  #refreshedAt = new Date(0)
  #acquisitions = 0

  constructor(directory: string, slice: SliceStart, host: string, events: LockEvents) {
    this.#directory = directory
    this.#slice = slice
    this.#host = host
    this.#events = events
    this.#path = lockPath(directory, slice)
  }

  get token(): string {
    return this.#token
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
    // Of a lock that was lost, proper-lockfile may not have heard yet, and nothing else ends its timer.
    await this.#unlock?.().catch(() => {})
    this.#unlock = undefined
    const acquisition = ++this.#acquisitions
    try {
      this.#unlock = await lockfile.lock(lockedPath(this.#directory, this.#slice), {
        fs: FILE_SYSTEM,
        realpath: false, // What is locked need not exist.
        update: REFRESH_INTERVAL_MS,
        // `install` decides which locks are stale.
        stale: Number.POSITIVE_INFINITY,
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
    }
  }

  /** Whether proper-lockfile refreshes it. */
  get isRefreshed(): boolean {
    return this.#unlock !== undefined
  }

  /** Whether the lock at the path is ours. @throws the system's error when that cannot be seen */
  isOurs(): boolean {
    return this.#token !== '' && isPresent(path.join(this.#path, this.#token))
  }

  /** Puts our lock at its path. @throws EEXIST when another holder has it */
  async install(): Promise<void> {
    if (this.isOurs()) return
    const found = find(this.#path)
    if (found.kind === 'nothing' || found.kind === 'ownerless') {
      // The lock of a live holder may have been removed by hand.
      if (await this.#isShownByOther()) throw held(this.#path)
    } else {
      const observer = { host: this.#host, holdsSentinel: true }
      const state = await stateOf(found, this.#directory, this.#slice, observer)
      if (state !== 'dead') throw held(this.#path)
      this.#break(found)
    }
    this.#create()
  }

  /** Whether another holder answers on the socket that is shown to people. */
  async #isShownByOther(): Promise<boolean> {
    const shown = livenessPath(this.#directory, this.#slice)
    if (!existsSync(shown) || this.#liveness?.isAt(shown)) return false
    return (await askLiveness(shown)) === 'accepted'
  }

  /** @throws EEXIST when another process was quicker */
  #break(found: Extract<Found, { kind: 'lock' | 'obstacle' }>): void {
    if (found.kind === 'obstacle') {
      this.#removeObstacle(found.signature)
      return
    }
    try {
      unlinkSync(path.join(this.#path, found.token))
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? held(this.#path) : error
    }
  }

  /** Lock and liveness socket, in one step. */
  #create(): void {
    const draft = path.join(this.#directory, `${this.#slice}.${unique()}.new`)
    mkdirSync(draft, { mode: LOCK_MODE })
    let made: ReturnType<typeof makeToken> | undefined
    try {
      made = makeToken(draft, this.#path, this.#host)
      // Fails when a lock has come to the path: only an empty directory is replaced.
      renameSync(draft, this.#path)
    } catch (error) {
      made?.liveness?.close()
      rmSync(draft, { recursive: true, force: true })
      throw isOccupied(error) || this.#isRaceLost(error) ? held(this.#path) : error
    }
    const { token, liveness } = made
    this.#liveness?.close()
    this.#token = token
    this.#liveness = liveness
    this.#refreshedAt = lstatSync(this.#path).mtime
    this.#showLiveness()
  }

  /** At a path that does not change, for people. What is decided is decided by the socket in the lock. */
  #showLiveness(): void {
    const shown = livenessPath(this.#directory, this.#slice)
    try {
      if (!this.#liveness) rmSync(shown, { force: true })
      else if (!this.#liveness.isAt(shown)) {
        const draft = path.join(this.#directory, `${this.#slice}.${unique()}.new`)
        this.#liveness.linkTo(shown, path.join(this.#path, this.#token), draft)
      }
    } catch {
      // A file system without hard links, or a full disk.
    }
  }

  /** Dates the lock now. @throws ENOENT when it is not ours any more */
  refresh(now: Date): void {
    this.#checkOurs()
    // The token as well: what looks old may be tidied away.
    for (const file of [path.join(this.#path, this.#token), this.#path]) utimesSync(file, now, now)
    this.#refreshedAt = now
    this.#showLiveness()
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
    const shown = livenessPath(this.#directory, this.#slice)
    try {
      if (this.#liveness?.isAt(shown)) unlinkSync(shown)
      unlinkSync(path.join(this.#path, this.#token))
      rmdirSync(this.#path)
    } catch (error) {
      // It was lost, or another process has already put its own lock onto the empty directory.
      if (codeOf(error) !== 'ENOENT' && !isOccupied(error)) throw error
    }
  }

  /** Whether a file is missing although the lock directory is there: another process was quicker. */
  #isRaceLost(error: unknown): boolean {
    return codeOf(error) === 'ENOENT' && existsSync(this.#directory)
  }

  /** What another program has left. Moved away first: a lock may come to the path at any moment. */
  #removeObstacle(signature: string): void {
    const trash = path.join(this.#directory, `${this.#slice}.${unique()}.old`)
    try {
      renameSync(this.#path, trash)
      const moved = find(trash)
      if (moved.kind === 'obstacle' && moved.signature === signature) {
        rmSync(trash, { recursive: true, force: true })
        return
      }
      renameSync(trash, this.#path)
    } catch (error) {
      if (!isOccupied(error) && !this.#isRaceLost(error)) throw error
    }
    throw held(this.#path)
  }

  async release(): Promise<void> {
    // It may have been lost a moment ago, or its directory be gone: then there is nothing to undo.
    await this.#unlock?.().catch(() => {})
    this.#end()
  }

  /** For the end of the process, when there is no time to wait. */
  releaseNow(): void {
    try {
      this.remove()
    } catch {
      // As above.
    }
    this.#end()
  }

  #end(): void {
    this.#unlock = undefined
    this.#liveness?.close()
    if (ownLocks.get(this.#path) === this) ownLocks.delete(this.#path)
  }
}

/** Whether the holder of the slice's lock lives. */
export async function lockHolderState(
  directory: string,
  slice: SliceStart,
  observer: Observer,
): Promise<HolderState> {
  const found = find(lockPath(directory, slice))
  if (found.kind === 'lock' || found.kind === 'obstacle') {
    return stateOf(found, directory, slice, observer)
  }
  const isShown = (await askLiveness(livenessPath(directory, slice))) === 'accepted'
  if (isShown) return 'alive'
  return found.kind === 'nothing' ? 'none' : 'dead'
}

/** Whether a draft of a lock (`.new`), or what was moved out of its way (`.old`), was left by a process that is dead. */
export async function isDeadDraft(
  draft: string,
  { host, holdsSentinel }: Observer,
): Promise<boolean> {
  const found = find(draft)
  if (found.kind !== 'lock') return draft.endsWith('.old')
  const token = parseToken(found.token)
  if (holdsSentinel && token.host === hostCode(host)) return true
  return token.hasSocket && (await askLiveness(path.join(draft, found.token))) === 'refused'
}

/** The token of the lock at the slice's path; `undefined` where there is none of ours. */
export function lockToken(directory: string, slice: SliceStart): string | undefined {
  const found = find(lockPath(directory, slice))
  return found.kind === 'lock' ? found.token : undefined
}

async function stateOf(
  found: Extract<Found, { kind: 'lock' | 'obstacle' }>,
  directory: string,
  slice: SliceStart,
  { host, holdsSentinel }: Observer,
): Promise<HolderState> {
  const lock = lockPath(directory, slice)
  const isStaleLock = () => (isStale(lock, found.signature) ? 'dead' : 'unknown')
  if (found.kind === 'obstacle') {
    const answer = await askLiveness(livenessPath(directory, slice))
    return answer === 'accepted' ? 'alive' : isStaleLock()
  }
  const token = parseToken(found.token)
  const own = hostCode(host)
  if (holdsSentinel && token.host === own) return 'dead'
  if (!token.hasSocket) return isStaleLock()
  const answer = await askLiveness(path.join(lock, found.token))
  if (answer === 'accepted') return 'alive'
  if (answer === 'unknown') return 'unknown'
  // The socket of another kernel refuses here though its holder lives.
  return answer === 'refused' && bootOf(token.host) === bootOf(own) ? 'dead' : isStaleLock()
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
  if (names?.length === 0 && (stats.mode & STICKY_BIT) !== 0n) return { kind: 'ownerless' }
  const tokens = names?.filter((name) => TOKEN.test(name)) ?? []
  const [token] = tokens
  const signature = `${tokens.join(' ')} ${stats.ino} ${stats.mtimeNs}`
  return token !== undefined && tokens.length === 1
    ? { kind: 'lock', token, signature }
    : { kind: 'obstacle', signature }
}

/** @throws the system's error when that cannot be seen: unknown is not absent */
function isPresent(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return false
    throw error
  }
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

/**
 * The name of a lock: whether it is a socket, the host of its holder, and what no other lock of this
 * kernel has, as pids are reused but moments are not. Short, as it is part of a socket's path.
 */
const TOKEN = /^([sf])-([0-9a-z]+\.[0-9a-z]*)-[0-9a-z]+-[0-9a-z]+$/

function parseToken(token: string): { hasSocket: boolean; host: string } {
  const [, kind, host = ''] = TOKEN.exec(token) ?? []
  return { hasSocket: kind === 's', host }
}

/** Makes the one file of a lock, a socket if its path allows for it. */
function makeToken(
  draft: string,
  lock: string,
  host: string,
): { token: string; liveness?: LivenessSocket } {
  const name = `${hostCode(host)}-${unique()}`
  const [socket, file] = [`s-${name}`, `f-${name}`]
  if (isSocketPath(path.join(lock, socket)) && isSocketPath(path.join(draft, socket))) {
    try {
      return { token: socket, liveness: LivenessSocket.listen(path.join(draft, socket)) }
    } catch {
      // A file system without sockets: the time rule decides in other network namespaces.
      rmSync(path.join(draft, socket), { force: true })
    }
  }
  writeFileSync(path.join(draft, file), '', { mode: 0o600 })
  return { token: file }
}

/**
 * Whether the locks of a directory can have liveness sockets, whose paths are limited in length.
 *
 * @param directory the lock directory, absolute
 * @param host of this process: see `hostIdentity`
 */
export function canHaveLivenessSockets(directory: string, host: string): boolean {
  const draft = path.join(directory, `${LAST_PORT}.${unique()}.new`)
  return isSocketPath(path.join(draft, `s-${hostCode(host)}-${unique()}`))
}

/** The host as it stands in a token: the boot, hashed, and the number of the network namespace. */
export function hostCode(host: string): string {
  const slash = host.lastIndexOf('/')
  const [boot, network] = [host.slice(0, slash), host.slice(slash + 1)]
  const [, number] = /^net:\[(\d+)\]$/.exec(network) ?? []
  return `${hash(boot).toString(36)}.${Number(number ?? hash(network)).toString(36)}`
}

function bootOf(code: string): string {
  return code.split('.')[0] as string
}

const { hrtime } = process
let namesMade = 0

function unique(): string {
  const moment = (hrtime.bigint() * 64n + BigInt(namesMade++ % 64)).toString(36)
  return `${process.pid.toString(36)}-${moment}`
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
    // Ours, as it is called in the same turn as `lockfile.lock`.
    const installing = (ownLocks.get(lock) as Lock).install()
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

/** @throws ENOENT when it has been released */
function ownLock(lock: string): Lock {
  const own = ownLocks.get(lock)
  if (own) return own
  throw Object.assign(new Error(`ENOENT: the lock ${lock} has been released`), { code: 'ENOENT' })
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
