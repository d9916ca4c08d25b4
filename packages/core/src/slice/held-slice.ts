/** One slice, held: sentinel, lock and journal, taken in this order and given back in the reverse. */

import { Date } from '../platform/clock.js'
import { type HeldUdpPort, holdUdpPort } from '../probe/held-udp.js'
import { atProcessExit } from '../process-state.js'
import type { JournalLease, Quarantined } from './journal.js'
import { JournalWriter } from './journal-writer.js'
import { KeptKeys } from './kept-keys.js'
import { keysOf, quarantineOf, readLastHolder } from './last-holder.js'
import { type SliceStart, sentinelOf } from './layout.js'
import { type SliceLock, takeLock } from './lock.js'
import { ensureLockDirectory, journalPath } from './lock-directory.js'

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
  readonly keys: KeptKeys
  readonly journal: JournalWriter
  readonly first: SliceStart
  readonly #sentinel: HeldUdpPort
  readonly #lock: SliceLock
  readonly #forgetExit: () => void
  #givenBack: Promise<void> | undefined

  private constructor(
    first: SliceStart,
    sentinel: HeldUdpPort,
    lock: SliceLock,
    journal: JournalWriter,
    { quarantined, keys }: Pick<HeldSlice, 'quarantined' | 'keys'>,
  ) {
    this.first = first
    this.#sentinel = sentinel
    this.#lock = lock
    this.journal = journal
    this.quarantined = quarantined
    this.keys = keys
    this.#forgetExit = atProcessExit(() => {
      journal.end()
      lock.releaseNow()
    })
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
    const sentinel = await holdUdpPort(sentinelOf(first))
    if (!sentinel) return undefined
    let lock: SliceLock | undefined
    try {
      const { lockDirectory, identity, onTrouble, canWait } = holder
      // Before the lock is made, which starts the journal anew.
      const last = readLastHolder(lockDirectory, first)
      const now = Date.now()
      const quarantined = last ? quarantineOf(last, first, now) : new Map<number, Quarantined>()
      const keys = last ? keysOf(last, first) : new KeptKeys()
      const journal = new JournalWriter({
        path: journalPath(lockDirectory, first),
        head: { lease: { ...identity, at: new Date(now).toISOString() }, quarantined, keys },
        prepare: () => ensureLockDirectory(lockDirectory),
        onTrouble,
      })
      lock = await takeLock({
        folder: lockDirectory,
        slice: first,
        host: identity.host,
        onMade: (mark) => journal.lockMade(mark),
        onRefreshed: () => journal.touch(),
        onTrouble,
        canWait,
      })
      return lock && new HeldSlice(first, sentinel, lock, journal, { quarantined, keys })
    } finally {
      if (!lock) await sentinel.close()
    }
  }

  giveBack(): Promise<void> {
    this.#givenBack ??= this.#giveBack()
    return this.#givenBack
  }

  async #giveBack(): Promise<void> {
    this.#forgetExit()
    this.journal.end()
    await this.#lock.release()
    await this.#sentinel.close()
  }
}
