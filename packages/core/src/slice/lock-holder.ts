import path from 'node:path'
import { monotonicNow } from '../platform/clock.js'
import { processWide } from '../process-state.js'
import { type FoundLock, findLock } from './find-lock.js'
import type { SliceStart } from './layout.js'
import { askLiveness } from './liveness.js'
import { hostCode, isSameBoot, parseToken } from './lock-token.js'
import { livenessPath, lockPath } from './slice-paths.js'

/** If a process sees a lock unchanged for this long, its holder may be dead. */
export const STALE_AFTER_MS = 10_000

export type HolderState = 'none' | 'alive' | 'dead' | 'unknown'

/** The process that looks at a lock. */
export interface Observer {
  readonly host: string
  /** If it does, no other holder on this host is alive. */
  readonly holdsSentinel: boolean
}

export type OccupyingLock = Extract<FoundLock, { kind: 'lock' | 'obstacle' }>

/** Finds the lock of a slice, and whether its holder is alive. */
export async function findHolderState(
  directory: string,
  slice: SliceStart,
  observer: Observer,
): Promise<HolderState> {
  const found = findLock(lockPath(directory, slice))
  if (found.kind === 'lock' || found.kind === 'obstacle') {
    return holderStateOf(found, directory, slice, observer)
  }
  if ((await askLiveness(livenessPath(directory, slice))) === 'accepted') return 'alive'
  return found.kind === 'nothing' ? 'none' : 'dead'
}

/** Whether the holder of a lock that was found is alive. */
export async function holderStateOf(
  found: OccupyingLock,
  directory: string,
  slice: SliceStart,
  { host, holdsSentinel }: Observer,
): Promise<HolderState> {
  const lock = lockPath(directory, slice)
  const stateByTime = () => (isStale(lock, found.signature) ? 'dead' : 'unknown')
  if (found.kind === 'obstacle') {
    const answer = await askLiveness(livenessPath(directory, slice))
    return answer === 'accepted' ? 'alive' : stateByTime()
  }
  const token = parseToken(found.token)
  const own = hostCode(host)
  if (holdsSentinel && token.hostCode === own) return 'dead'
  if (!token.hasSocket) return stateByTime()
  const answer = await askLiveness(path.join(lock, found.token))
  if (answer === 'accepted') return 'alive'
  if (answer === 'unknown') return 'unknown'
  // A socket of another kernel refuses here even if its holder is alive.
  return answer === 'refused' && isSameBoot(token.hostCode, own) ? 'dead' : stateByTime()
}

interface WatchedLock {
  signature: string
  /** Monotonic, in ms. */
  since: number
}

function isStale(lock: string, signature: string): boolean {
  const watched = processWide('watched locks', () => new Map<string, WatchedLock>())
  const before = watched.get(lock)
  if (before?.signature === signature) return monotonicNow() - before.since >= STALE_AFTER_MS
  watched.set(lock, { signature, since: monotonicNow() })
  return false
}

/** Whether the process that created a temporary `.new` or `.old` directory is dead. */
export async function isDeadDraft(
  draft: string,
  { host, holdsSentinel }: Observer,
): Promise<boolean> {
  const found = findLock(draft)
  if (found.kind !== 'lock') return draft.endsWith('.old')
  const token = parseToken(found.token)
  if (holdsSentinel && token.hostCode === hostCode(host)) return true
  return token.hasSocket && (await askLiveness(path.join(draft, found.token))) === 'refused'
}
