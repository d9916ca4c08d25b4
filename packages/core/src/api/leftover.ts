import { lstatSync } from 'node:fs'
import { Date } from '../platform/clock.js'

/** Files that a dead holder of a slice or a dead claimer left. */
export interface Leftover {
  /** The slice's first port, or the claimed port. */
  first: number
  /** The slice's sentinel, or the claimed port. */
  last: number
  files: string[]
  /**
   * Missing if the files were removed. `elsewhere`: the holder may live in another network namespace or on
   * another kernel. `locked`: another program has created the lock.
   */
  kept?: 'held' | 'quarantined' | 'leaked' | 'elsewhere' | 'locked'
  /** When the quarantine ends, ISO 8601. */
  until?: string
}

/** Why files are kept. */
export type ReasonToKeep = Pick<Leftover, 'kept' | 'until'>

export function quarantineReason(leftMs: number): ReasonToKeep {
  return { kept: 'quarantined', until: new Date(Date.now() + leftMs).toISOString() }
}

/** For files whose process cannot be checked: a claim of another network namespace, the draft of a lock. */
const KEEP_UNCLEAR_FILES_MS = 24 * 60 * 60_000

export function isRecent(file: string): boolean {
  return Date.now() - lstatSync(file).mtimeMs < KEEP_UNCLEAR_FILES_MS
}
