/**
 * What the holder of a slice has done with it: append-only, one JSON object a line.
 *
 * Written for whoever comes after a crash, and for people. Read with distrust: the file may
 * be torn, garbled, of another version or of another program.
 */

import { isOutOfDescriptors } from '../errors.js'
import { Date } from '../platform/clock.js'
import { KeptKeys } from './kept-keys.js'
import { type SliceStart, sentinelOf } from './layout.js'
import { readOwnFile } from './own-file.js'

/** How long a port that was out when its holder died is not handed out again, in ms. */
export const QUARANTINE = 30_000

/** No journal of ours is larger, so no more is read of one. Bytes. */
const READ_AT_MOST = 1024 * 1024

/** Who holds a slice. */
export interface JournalLease {
  /** Of the process. */
  pid: number
  /** Boot and network namespace: see `hostIdentity`. */
  host: string
  /** As of `detectWorker`. */
  runner: string
  /** 1-based */
  workerId: number
  /** `2/4` */
  shard?: string
  /** The folder it was started in. */
  cwd: string
  /** With its arguments, at most 500 characters. */
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
  try {
    const found = readOwnFile(path, READ_AT_MOST)
    return found && { ...replay(found.text), changedAt: found.changedAt }
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
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
      lock = lockFrom(entry)
      continue
    }
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

function lockFrom({ lock: mark }: Line): LockMark | undefined {
  const { folder, lock } = (mark ?? {}) as Partial<LockMark>
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
