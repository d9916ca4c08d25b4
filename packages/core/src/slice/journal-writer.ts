/** Writes the journal of a slice that is held. */
import { closeSync, existsSync, futimesSync, writeSync } from 'node:fs'
import { Date } from '../platform/clock.js'
import type { JournalLease, LockMark, Quarantined } from './journal.js'
import { makeOwnFile, replaceOwnFile } from './own-file.js'

/**
 * Bytes by which a journal may grow before it is written anew with what still counts: some
 * hundred takes and releases. Keeps it quick to read: somebody may list 700 of them.
 */
const COMPACT_AFTER = 32 * 1024

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

/** Never throws: the journal is not what decides. */
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
    const line = lineOf({ event: 'take', port, label, key, at: timeNow() })
    this.#current.set(port, line)
    if (this.#isThere()) this.#append(line)
    else this.startAnew()
  }

  release(port: number, leaked: boolean): void {
    const line = lineOf({
      event: 'release',
      port,
      leaked: leaked || undefined,
      at: timeNow(),
    })
    const taken = this.#current.get(port) ?? ''
    if (leaked) this.#current.set(port, taken + line)
    else this.#current.delete(port)
    // Whether the file has been removed is not worth a look: nobody needs to know of this port then.
    this.#append(line)
  }

  /** Starts the file anew, now that this lock has been made. */
  lockMade(lock: LockMark | undefined): void {
    this.#lock = lock
    this.startAnew()
  }

  /** Writes the whole file again, with only what still counts. */
  startAnew(): void {
    const { path, head, prepare, onTrouble } = this.#options
    const now = Date.now()
    const lease = lineOf({ v: 1, event: 'lease', ...head.lease, lock: this.#lock })
    const carried = [
      ...[...head.quarantined.values()]
        .filter(({ port, until }) => until > now && !this.#current.has(port))
        .map(({ until, ...port }) =>
          lineOf({ event: 'quarantine', ...port, until: new Date(until).toISOString() }),
        ),
      ...[...head.keys]
        .filter(([port]) => !this.#current.has(port))
        .map(([port, key]) => lineOf({ event: 'key', port, key, at: new Date(now).toISOString() })),
      ...this.#current.values(),
    ].join('')
    this.close()
    try {
      prepare()
      // What is carried over must not be lost by a death in between.
      this.#file = carried === '' ? makeOwnFile(path, lease) : replaceOwnFile(path, lease + carried)
      this.#room = COMPACT_AFTER
    } catch (error) {
      onTrouble(error)
    }
  }

  /**
   * Somebody may have deleted it, or the folder. Where another journal stands now, the lock was
   * lost to somebody elsewhere: theirs is left alone.
   */
  #isThere(): boolean {
    return existsSync(this.#options.path)
  }

  #append(line: string): void {
    if (this.#file === undefined) {
      this.startAnew() // It could not be written to before.
      return
    }
    try {
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
      if (this.#isThere()) writeSync(file, lineOf({ event: 'end', at: timeNow() }))
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

/** The text of the time that was asked for last: there are many takes and releases in a millisecond. */
let lastTime = { ms: 0, text: '' }

function timeNow(): string {
  const ms = Date.now()
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() }
  return lastTime.text
}

function lineOf(entry: Record<string, unknown>): string {
  return `${JSON.stringify(entry)}\n`
}
