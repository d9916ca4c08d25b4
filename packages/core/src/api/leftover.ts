import { lstatSync } from 'node:fs'
import { Date } from '../platform/clock.js'

/** Files of a dead holder: of one slice, or of one claimed port. */
export interface Leftover {
  /** The slice's first port, or the claimed port. */
  first: number
  /** The slice's sentinel, or the claimed port. */
  last: number
  /** Names of files and directories in the lock directory. */
  files: string[]
  /**
   * Why the files were kept; missing if they were removed. `elsewhere`: the holder may live in
   * another network namespace or on another kernel. `locked`: another program has made the lock.
   */
  kept?: 'held' | 'quarantined' | 'leaked' | 'elsewhere' | 'locked'
  /** When the quarantine ends, ISO 8601. */
  until?: string
}

/** Why files are kept. */
export type Reason = Pick<Leftover, 'kept' | 'until'>

export function quarantinedFor(leftMs: number): Reason {
  return { kept: 'quarantined', until: new Date(Date.now() + leftMs).toISOString() }
}

/**
 * How long to keep files whose process cannot be checked from here: the note of a claim in another
 * network namespace, or the draft of a lock.
 */
const KEEP_UNCLEAR_FILES_MS = 24 * 60 * 60_000

export function isRecent(file: string): boolean {
  return Date.now() - lstatSync(file).mtimeMs < KEEP_UNCLEAR_FILES_MS
}
