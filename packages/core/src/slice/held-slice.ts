/** One slice, held: sentinel, lock and journal, taken in this order and given back in the reverse. */
import { type SliceStart, sentinelOf } from '../arithmetic/slices.js'
import { Date } from '../real-time.js'
import {
  type JournalLease,
  JournalWriter,
  type Quarantined,
  quarantineAfter,
  readJournal,
} from './journal.js'
import { type SliceLock, takeLock } from './lock.js'
import { ensureLockDirectory, journalPath } from './lock-directory.js'
import { holdSentinel, type Sentinel } from './sentinel.js'

export interface SliceHolder {
  lockDirectory: string
  /** What the journal says of who holds the slice. */
  identity: Omit<JournalLease, 'at'>
  /** Called when the lock or the journal cannot be written. The slice is held all the same. */
  onTrouble: (error: unknown) => void
  /** Whether the sentinel alone will do for now, after this error. */
  canWait: (error: unknown) => boolean
}

export class HeldSlice {
  /** The ports to be left alone, and until when: they were out when the last holder died. */
  readonly quarantined: Map<number, Quarantined>
  readonly journal: JournalWriter
  readonly first: SliceStart
  readonly #sentinel: Sentinel
  readonly #lock: SliceLock
  #givenBack: Promise<void> | undefined

  private constructor(
    first: SliceStart,
    sentinel: Sentinel,
    lock: SliceLock,
    journal: JournalWriter,
    quarantined: Map<number, Quarantined>,
  ) {
    this.first = first
    this.#sentinel = sentinel
    this.#lock = lock
    this.journal = journal
    this.quarantined = quarantined
  }

  get last(): number {
    return sentinelOf(this.first)
  }

  /**
   * Takes a slice, or gives `undefined` when somebody holds it.
   *
   * @throws the system's error when there is no socket to be had, or the lock directory cannot
   *   be used and `canWait` does not say otherwise
   */
  static async take(first: SliceStart, holder: SliceHolder): Promise<HeldSlice | undefined> {
    const sentinel = await holdSentinel(first)
    if (!sentinel) return undefined
    let journal: JournalWriter | undefined
    let lock: SliceLock | undefined
    try {
      lock = await takeLock({
        folder: holder.lockDirectory,
        slice: first,
        host: holder.identity.host,
        onRegained: () => journal?.startAnew(),
        onTrouble: holder.onTrouble,
        canWait: holder.canWait,
      })
    } finally {
      if (!lock) await sentinel.close()
    }
    if (!lock) return undefined

    const path = journalPath(holder.lockDirectory, first)
    const left = readJournal(path)
    const now = Date.now()
    const quarantined = new Map(
      left ? quarantineAfter(left, first, now).map((entry) => [entry.port, entry]) : [],
    )
    journal = new JournalWriter({
      path,
      head: { lease: { ...holder.identity, at: new Date(now).toISOString() }, quarantined },
      prepare: () => ensureLockDirectory(holder.lockDirectory),
      onTrouble: holder.onTrouble,
    })
    return new HeldSlice(first, sentinel, lock, journal, quarantined)
  }

  giveBack(): Promise<void> {
    this.#givenBack ??= this.#giveBack()
    return this.#givenBack
  }

  async #giveBack(): Promise<void> {
    this.journal.close()
    await this.#lock.release()
    await this.#sentinel.close()
  }
}
