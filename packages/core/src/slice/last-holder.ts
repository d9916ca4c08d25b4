/** What the files of a slice tell of whoever held it last, or holds it still. */
import { lstatSync } from 'node:fs'
import { isOutOfDescriptors } from '../errors.js'
import { type Journal, type Quarantined, quarantineAfter, readJournal } from './journal.js'
import { KeptKeys } from './kept-keys.js'
import { type SliceStart, sliceOf } from './layout.js'
import { journalPath, lockPath } from './lock-directory.js'

export interface LastHolder extends Journal {
  /** When its lock was last refreshed, in ms since 1970; missing when it has none any more. */
  lockedAt?: number
}

/**
 * `undefined` when the slice has no journal.
 *
 * @throws the system's error when the process has no more file descriptors
 */
export function readLastHolder(folder: string, slice: SliceStart): LastHolder | undefined {
  const journal = readJournal(journalPath(folder, slice))
  const lockedAt = journal && timeOfLock(folder, slice)
  return journal && { ...journal, ...(lockedAt !== undefined && { lockedAt }) }
}

/** A folder that cannot be looked into has none; taking the lock says what is wrong with it. */
function timeOfLock(folder: string, slice: SliceStart): number | undefined {
  try {
    return lstatSync(lockPath(folder, slice), { throwIfNoEntry: false })?.mtimeMs
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
}

/** The ports that it has left to be left alone, by their numbers. */
export function quarantineOf(
  holder: LastHolder,
  slice: SliceStart,
  now: number,
): Map<number, Quarantined> {
  const left = quarantineAfter(holder, slice, now)
  return new Map(left.map((entry) => [entry.port, entry]))
}

/** What the keys had last, of the ports of this slice: a journal may name any. */
export function keysOf(holder: LastHolder, slice: SliceStart): KeptKeys {
  return new KeptKeys([...holder.keys].filter(([port]) => sliceOf(port) === slice))
}
