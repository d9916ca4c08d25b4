/**
 * What the holder of a slice has done with it: append-only, one JSON object a line.
 *
 * Written for whoever comes after a crash, and for people. Read with distrust: the file may
 * be torn, garbled, of another version or of another program.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  futimesSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { type SliceStart, sentinelOf } from '../arithmetic/slices.js'
import { isOutOfDescriptors } from '../errors.js'
import { Date } from '../real-time.js'
import { KeptKeys } from './kept-keys.js'

/** How long a port that was out when its holder died is not handed out again, in ms. */
export const QUARANTINE = 30_000

/**
 * Bytes by which a journal may grow before it is written anew with what still counts: some
 * hundred takes and releases. Keeps it quick to read: somebody may list 700 of them.
 */
const COMPACT_AFTER = 32 * 1024
/** No journal of ours is larger, so no more is read of one. Bytes. */
const READ_AT_MOST = 1024 * 1024

/** Who holds a slice. */
export interface JournalLease {
  pid: number
  /** Boot and network namespace: see `hostIdentity`. */
  host: string
  runner: string
  /** 1-based */
  workerId: number
  /** `2/4` */
  shard?: string
  /** The folder it was started in. */
  cwd: string
  command: string
  /** When it leased the slice, ISO 8601. */
  at: string
}

/** Which lock its holder made, to tell it from one that somebody has made since. */
export interface LockMark {
  /** The identity of the lock directory that it was made in; a copy of that has another. */
  folder: string
  lock: string
}

/** A port as a journal leaves it, when it is not simply free. */
export interface JournalPort {
  port: number
  state: 'out' | 'leaked' | 'quarantined'
  label?: string
  key?: string
  /** Milliseconds since 1970: since when it is so, where that is known. */
  since?: number
  /** Milliseconds since 1970; of a quarantined port. */
  until?: number
}

export interface Journal {
  lease?: JournalLease
  /** Missing in a journal that was not written by this version. */
  lock?: LockMark
  /** Whether that lease was given back in good order: a lock that stands now is not its. */
  ended: boolean
  ports: JournalPort[]
  keys: KeptKeys
  /** Milliseconds since 1970: when the file was last written to, or its holder gave a sign of life. */
  changedAt: number
}

/** A port that the next holder must leave alone for a while. */
export interface Quarantined {
  port: number
  /** Milliseconds since 1970. */
  until: number
  label?: string
  key?: string
}

type Line = Record<string, unknown>

/**
 * Reads a journal; `undefined` when there is none, or none that can be read as a file.
 *
 * @throws the system's error when the process has no more file descriptors
 */
export function readJournal(path: string): Journal | undefined {
  let text: string
  let changedAt: number
  try {
    // No link is followed, and a pipe is not waited for.
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
    const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const stats = fstatSync(file)
      if (!stats.isFile()) return undefined
      changedAt = Math.ceil(stats.mtimeMs)
      const bytes = Buffer.alloc(Math.min(stats.size, READ_AT_MOST))
      text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
  return { ...replay(text), changedAt }
}

/** Goes through the lines of a journal; those that make no sense are skipped. */
export function replay(text: string): Omit<Journal, 'changedAt'> {
  let lease: JournalLease | undefined
  let lock: LockMark | undefined
  let ended = false
  const ports = new Map<number, JournalPort>()
  const keys = new KeptKeys()
  for (const line of text.split('\n')) {
    const entry = parsed(line)
    if (entry?.event === 'lease') {
      lease = leaseFrom(entry) ?? lease
      continue
    }
    if (entry?.event === 'lock') lock = lockFrom(entry) ?? lock
    if (entry?.event === 'end') ended = true
    const port = entry?.port
    if (!entry || typeof port !== 'number' || !Number.isInteger(port)) continue
    const since = time(entry.at)
    const about = {
      port,
      ...(since !== undefined && { since }),
      ...(typeof entry.label === 'string' && { label: entry.label }),
      ...(typeof entry.key === 'string' && { key: entry.key }),
    }
    if (entry.event === 'take') {
      ports.set(port, { ...about, state: 'out' })
      keys.taken(port, about.key)
    } else if (entry.event === 'key') {
      keys.taken(port, about.key)
    } else if (entry.event === 'release') {
      if (entry.leaked === true) ports.set(port, { ...ports.get(port), ...about, state: 'leaked' })
      else ports.delete(port)
    } else if (entry.event === 'quarantine') {
      const until = time(entry.until)
      if (until !== undefined) ports.set(port, { ...about, state: 'quarantined', until })
    }
  }
  return { ...(lease && { lease }), ...(lock && { lock }), ended, ports: [...ports.values()], keys }
}

function parsed(line: string): Line | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? (entry as Line) : undefined
  } catch {
    return undefined
  }
}

function leaseFrom({ v, pid, host, runner, workerId, shard, cwd, command, at }: Line) {
  const texts = [host, runner, cwd, command, at]
  const valid =
    v === 1 &&
    Number.isInteger(pid) &&
    Number.isInteger(workerId) &&
    texts.every((text) => typeof text === 'string')
  if (!valid) return undefined
  return {
    pid,
    host,
    runner,
    workerId,
    ...(typeof shard === 'string' && { shard }),
    cwd,
    command,
    at,
  } as JournalLease
}

function lockFrom({ folder, lock }: Line): LockMark | undefined {
  return typeof folder === 'string' && typeof lock === 'string' ? { folder, lock } : undefined
}

function time(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(milliseconds) ? undefined : milliseconds
}

/**
 * The ports of a slice that whoever holds it next must leave alone, and until when.
 *
 * Never longer than {@link QUARANTINE} from now, also where the clock was set back since.
 */
export function quarantineAfter(
  journal: Pick<Journal, 'ports' | 'changedAt'>,
  slice: SliceStart,
  now: number,
): Quarantined[] {
  const longest = now + QUARANTINE
  return journal.ports
    .filter(({ port, state }) => state !== 'leaked' && port >= slice && port < sentinelOf(slice))
    .map(({ port, label, key, until }) => ({
      port,
      until: Math.min(until ?? journal.changedAt + QUARANTINE, longest),
      ...(label !== undefined && { label }),
      ...(key !== undefined && { key }),
    }))
    .filter(({ until }) => until > now)
}

export interface JournalHead {
  lease: JournalLease
  /** What the journal before this one left to be left alone, by port; may change. */
  quarantined: ReadonlyMap<number, Quarantined>
  /** What the keys of this holder and of those before had last; may change. */
  keys: Iterable<[port: number, key: string]>
}

export interface JournalWriterOptions {
  path: string
  head: JournalHead
  /** Makes sure that the folder is there and may be used; called before a file is made. */
  prepare: () => void
  /** Called with what kept the journal from being written. */
  onTrouble: (error: unknown) => void
}

/** Writes the journal of a slice that is held. Never throws: the journal is not what decides. */
export class JournalWriter {
  readonly #options: JournalWriterOptions
  /** The ports that are out or leaked, with the line that says so. */
  readonly #current = new Map<number, string>()
  #file: number | undefined
  /** Bytes that the file may grow by before it is written anew. */
  #room = 0
  #lock: LockMark | undefined

  constructor(options: JournalWriterOptions) {
    this.#options = options
  }

  take(port: number, { label, key }: { label?: string | undefined; key?: string | undefined }) {
    const line = lineOf({ event: 'take', port, label, key, at: new Date().toISOString() })
    this.#current.set(port, line)
    this.#append(line)
  }

  release(port: number, leaked: boolean): void {
    const line = lineOf({
      event: 'release',
      port,
      ...(leaked && { leaked }),
      at: new Date().toISOString(),
    })
    const taken = this.#current.get(port) ?? ''
    if (leaked) this.#current.set(port, taken + line)
    else this.#current.delete(port)
    this.#append(line)
  }

  /** Starts the file anew, now that this lock has been made. */
  lockMade(lock: LockMark | undefined): void {
    this.#lock = lock
    this.startAnew()
  }

  /** Writes the whole file again, with only what still counts, and in one step. */
  startAnew(): void {
    const { path, head, prepare, onTrouble } = this.#options
    const now = Date.now()
    const text = [
      lineOf({ v: 1, event: 'lease', ...head.lease }),
      ...(this.#lock ? [lineOf({ event: 'lock', ...this.#lock })] : []),
      ...[...head.quarantined.values()]
        .filter(({ port, until }) => until > now && !this.#current.has(port))
        .map(({ until, ...port }) =>
          lineOf({ event: 'quarantine', ...port, until: new Date(until).toISOString() }),
        ),
      ...[...head.keys]
        .filter(([port]) => !this.#current.has(port))
        .map(([port, key]) => lineOf({ event: 'key', port, key })),
      ...this.#current.values(),
    ].join('')
    this.close()
    try {
      prepare()
      const draft = `${path}.new`
      // Whatever lies there was left by a death, or planted: it is not written through.
      rmSync(draft, { force: true, recursive: true })
      writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
      renameSync(draft, path)
      this.#file = openSync(path, constants.O_WRONLY | constants.O_APPEND)
      this.#room = COMPACT_AFTER
    } catch (error) {
      onTrouble(error)
    }
  }

  #append(line: string): void {
    try {
      if (this.#file === undefined || fstatSync(this.#file).nlink === 0) {
        // The folder was deleted under us, or could not be written to before. But where another
        // journal stands now, the lock was lost to somebody elsewhere: theirs is left alone.
        if (this.#file === undefined || !existsSync(this.#options.path)) this.startAnew()
        return
      }
      const written = writeSync(this.#file, line)
      this.#room -= written
      // On a full disk half a line may be written, which would garble the next one.
      if (this.#room < 0 || written < Buffer.byteLength(line)) this.startAnew()
    } catch (error) {
      this.#options.onTrouble(error)
    }
  }

  /**
   * Dates the file now, as a sign of life while ports are out: their quarantine counts from
   * the last one.
   */
  touch(): void {
    if (this.#file === undefined || this.#current.size === 0) return
    try {
      const now = new Date()
      futimesSync(this.#file, now, now)
    } catch {
      // Then the quarantine is counted from the last port that was taken or released.
    }
  }

  /** Says that the lease has ended in good order; call before its lock is removed. */
  end(): void {
    const file = this.#file
    if (file === undefined) return
    try {
      // A folder that has been deleted is not made again for this.
      if (fstatSync(file).nlink > 0) {
        writeSync(file, lineOf({ event: 'end', at: new Date().toISOString() }))
      }
    } catch {
      // Then a lock that is made next may be taken for its; there is none of its left.
    }
    this.close()
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    try {
      closeSync(file)
    } catch (error) {
      this.#options.onTrouble(error)
    }
  }
}

function lineOf(entry: Line): string {
  return `${JSON.stringify(entry)}\n`
}
