import { lstatSync, readdirSync } from 'node:fs'
import { codeOf } from '../errors.js'
import type { SliceStart } from './layout.js'
import { isToken } from './lock-token.js'
import { lockPath } from './slice-paths.js'

/** The sticky bit distinguishes a lock without a token from an empty directory of another program. */
export const LOCK_MODE = 0o1700
const STICKY_BIT = 0o1000n

/** The signature changes when the lock is replaced or refreshed. */
export type FoundLock =
  | { kind: 'nothing' }
  | { kind: 'lock'; token: string; signature: string }
  /** The lock of a process that was killed while it released it, or broke another one. */
  | { kind: 'ownerless' }
  /** Anything else, such as the lock of another program. */
  | { kind: 'obstacle'; signature: string }

/** @throws the system error if it cannot be read: unknown is not absent */
export function findLock(lock: string): FoundLock {
  let names: string[] | undefined
  try {
    names = readdirSync(lock)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) throw error
  }
  // Also without names: a dangling link is an obstacle.
  const stats = lstatSync(lock, { bigint: true, throwIfNoEntry: false })
  if (!stats) return { kind: 'nothing' }
  if (names?.length === 0 && (stats.mode & STICKY_BIT) !== 0n) return { kind: 'ownerless' }
  const tokens = names?.filter(isToken) ?? []
  const [token] = tokens
  const signature = `${tokens.join(' ')} ${stats.ino} ${stats.mtimeNs}`
  return token !== undefined && tokens.length === 1
    ? { kind: 'lock', token, signature }
    : { kind: 'obstacle', signature }
}

export function lockToken(directory: string, slice: SliceStart): string | undefined {
  const found = findLock(lockPath(directory, slice))
  return found.kind === 'lock' ? found.token : undefined
}
