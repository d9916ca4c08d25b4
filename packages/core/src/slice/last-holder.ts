/** What the files of a slice tell of whoever held it last, or holds it still. */
import { lstatSync } from 'node:fs'
import type { SliceStart } from '../arithmetic/slices.js'
import { type Journal, type Quarantined, quarantineAfter, readJournal } from './journal.js'
import { journalPath, lockPath } from './lock-directory.js'

export interface LastHolder extends Journal {
  /** Whether its lock still stands: it has not given the slice back. */
  isLocked: boolean
  /**
   * The last sign of life, in ms since 1970: of the journal or the lock, which is refreshed
   * every few seconds, also while no port is taken or released.
   */
  lastSign: number
}

/**
 * `undefined` when the slice has no journal.
 *
 * @throws the system's error when the process has no more file descriptors
 */
export function readLastHolder(folder: string, slice: SliceStart): LastHolder | undefined {
  // The lock first: one that is made meanwhile would lend its time to an older journal.
  const lock = lstatSync(lockPath(folder, slice), { throwIfNoEntry: false })
  const journal = readJournal(journalPath(folder, slice))
  return (
    journal && {
      ...journal,
      isLocked: lock !== undefined,
      lastSign: Math.max(journal.changedAt, Math.ceil(lock?.mtimeMs ?? 0)),
    }
  )
}

/** The ports that it has left to be left alone, by their numbers. */
export function quarantineOf(
  holder: LastHolder,
  slice: SliceStart,
  now: number,
): Map<number, Quarantined> {
  const left = quarantineAfter(holder, slice, holder.lastSign, now)
  return new Map(left.map((entry) => [entry.port, entry]))
}
