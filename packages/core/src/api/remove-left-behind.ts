/** Removes what dead holders left in the lock directory, and nothing of a live one. */
import { lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { leaseContextOf } from '../allocator/lease-context.js'
import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkListOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { Date, sleep } from '../platform/clock.js'
import { hostIdentity } from '../platform/host.js'
import { elapsedSince, kernelTime } from '../platform/kernel-time.js'
import { holdUdpPort } from '../probe/held-udp.js'
import { isListening } from '../probe/listening.js'
import {
  claimDirectory,
  claimNotes,
  portOfClaimNote,
  readClaimNote,
  writeClaimNote,
} from '../slice/claim-note.js'
import { type SliceStart, sentinelOf } from '../slice/layout.js'
import { Lock } from '../slice/lock.js'
import { checkLockDirectory, journalPath, sliceOfFile } from '../slice/lock-directory.js'
import { isDeadDraft, lockHolderState, STALE_AFTER_MS } from '../slice/lock-holder.js'
import { hostCode } from '../slice/lock-token.js'
import { Slice } from '../slice/slice.js'
import { QUARANTINE_MS, quarantineAfter, readSliceRecord } from '../slice/slice-record.js'

/**
 * How long files are kept of which it cannot be asked from here whether their process lives, in ms: the
 * note of a claim in another network namespace, or the draft of a lock.
 */
const KEEP_UNCLEAR_FILES_MS = 24 * 60 * 60_000

/** What {@link removeLeftBehind} takes. */
export interface RemoveLeftBehindOptions {
  /** The directory to clean; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
  /** Only tell what would be removed. Default: false. */
  dryRun?: boolean
}

/** What a dead holder has left of one slice, or of one claimed port. */
export interface LeftBehind {
  /** The slice's first port; of a claimed port, the port itself. */
  first: number
  /** The sentinel; of a claimed port, the port itself. */
  last: number
  /** What was left of it: names of files and directories in the lock directory. */
  files: string[]
  /**
   * Why it was left alone; missing if it was removed. `elsewhere`: the holder may live in another
   * network namespace or on another kernel. `locked`: another program has made the lock.
   */
  kept?: 'held' | 'quarantined' | 'leaked' | 'elsewhere' | 'locked'
  /** Of a quarantine: when it ends, ISO 8601. */
  until?: string
}

/**
 * Removes the journals, locks and sockets of holders that are dead, whose quarantine has ended,
 * and the notes of dead claims.
 *
 * Each slice is held meanwhile, so that no other process is half-way into it. A lock whose holder
 * cannot be asked is watched for 10 s; it is removed if it has not been refreshed by then.
 *
 * @param options which directory, and whether to remove anything
 * @returns what was found, ascending, whether it was removed or why not
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY for one that is not to be used;
 *   …_OPTION_INVALID
 * @example
 * const left = await removeLeftBehind({ dryRun: true })
 * const removable = left.filter(({ kept }) => kept === undefined)
 */
export async function removeLeftBehind({
  dryRun = false,
  ...options
}: RemoveLeftBehindOptions = {}): Promise<LeftBehind[]> {
  checkListOptions(options)
  const lockDirectory = lockDirectoryFor(options.lockDirectory)
  if (lockDirectory === undefined || !checkLockDirectory(lockDirectory)) return []
  let found = await removeSlices(lockDirectory, dryRun)
  const isUnclear = found.some(({ kept }) => kept === 'elsewhere' || kept === 'locked')
  if (isUnclear && !dryRun) {
    const removed = found.filter(({ kept }) => kept === undefined)
    await sleep(STALE_AFTER_MS)
    found = [...removed, ...(await removeSlices(lockDirectory, dryRun))]
  }
  return [...found.sort((a, b) => a.first - b.first), ...(await removeNotes(lockDirectory, dryRun))]
}

async function removeSlices(lockDirectory: string, dryRun: boolean): Promise<LeftBehind[]> {
  const found: LeftBehind[] = []
  for (const [slice, names] of filesBySlice(lockDirectory)) {
    const outcome = await removeSlice(lockDirectory, slice, names, dryRun)
    if (outcome) found.push(outcome)
    if (outcome?.kept === 'quarantined' && !dryRun) await noteDeath(lockDirectory, slice)
  }
  return found
}

/** Leasing the slice writes down that its holder is dead, so that the quarantine runs from now on. */
async function noteDeath(lockDirectory: string, slice: SliceStart): Promise<void> {
  const leased = await Slice.lease(slice, leaseContextOf(resolveOptions({ lockDirectory })))
  await leased?.giveBackWhenUnused()
}

function filesBySlice(lockDirectory: string): Map<SliceStart, string[]> {
  const files = new Map<SliceStart, string[]>()
  for (const name of readdirSync(lockDirectory).sort()) {
    const slice = sliceOfFile(name)
    if (slice !== undefined) files.set(slice, [...(files.get(slice) ?? []), name])
  }
  return files
}

async function removeSlice(
  lockDirectory: string,
  slice: SliceStart,
  names: readonly string[],
  dryRun: boolean,
): Promise<LeftBehind | undefined> {
  const left = { first: slice, last: sentinelOf(slice), files: stillIn(lockDirectory, names) }
  const sentinel = await holdUdpPort(left.last)
  if (!sentinel) return left.files.length > 0 ? { ...left, kept: 'held' } : undefined
  try {
    // Looked at again: its holder may have given it back just now.
    left.files = stillIn(lockDirectory, names)
    if (left.files.length === 0) return undefined
    const kept = await reasonToKeep(lockDirectory, slice)
    if (kept) return { ...left, ...kept }
    if (dryRun) return left
    return (await removeLocked(lockDirectory, slice, left.files))
      ? left
      : { ...left, kept: 'locked' }
  } finally {
    await sentinel.close()
  }
}

/** Call with the sentinel held. */
async function reasonToKeep(
  lockDirectory: string,
  slice: SliceStart,
): Promise<Pick<LeftBehind, 'kept' | 'until'> | undefined> {
  const context = { host: hostIdentity(), holdsSentinel: true }
  const record = readSliceRecord(journalPath(lockDirectory, slice))
  const holder = await lockHolderState(lockDirectory, slice, context)
  if (holder === 'alive') return { kept: 'held' }
  if (holder === 'unknown') return { kept: record?.lease ? 'elsewhere' : 'locked' }
  if (!record) return undefined
  const quarantine = quarantineAfter(record, slice).map(({ left }) => left)
  if (quarantine.length > 0) return quarantinedFor(Math.max(...quarantine))
  for (const { port, state } of record.ports) {
    // Then the journal still tells who left it.
    if (state === 'leaked' && (await isListening(port))) return { kept: 'leaked' }
  }
  return undefined
}

function quarantinedFor(ms: number): Pick<LeftBehind, 'kept' | 'until'> {
  return { kept: 'quarantined', until: new Date(Date.now() + ms).toISOString() }
}

/** With the lock, so that a holder of another network namespace stays away as well. */
async function removeLocked(
  lockDirectory: string,
  slice: SliceStart,
  files: readonly string[],
): Promise<boolean> {
  const lock = new Lock(lockDirectory, slice, hostIdentity(), { refreshed() {}, lost() {} })
  if (!(await lock.acquire())) return false
  try {
    for (const name of files) {
      if (name.endsWith('.lock')) continue // It goes when it is released.
      if (/^\d+\.[0-9a-z-]+\.(?:new|old)$/.test(name) && !(await isLeftOver(lockDirectory, name)))
        continue
      rmSync(path.join(lockDirectory, name), { recursive: true, force: true })
    }
  } finally {
    await lock.release()
  }
  return true
}

/** Whether the draft of a lock, or what was moved out of its way, is of a dead process, or old. */
async function isLeftOver(lockDirectory: string, name: string): Promise<boolean> {
  const file = path.join(lockDirectory, name)
  if (!isYoung(file)) return true
  return isDeadDraft(file, { host: hostIdentity(), holdsSentinel: true })
}

async function removeNotes(lockDirectory: string, dryRun: boolean): Promise<LeftBehind[]> {
  const found: LeftBehind[] = []
  for (const port of claimNotes(lockDirectory)) {
    const outcome = await removeNote(lockDirectory, port, dryRun)
    if (outcome) found.push(outcome)
  }
  if (!dryRun) removeIfEmpty(claimDirectory(lockDirectory))
  return found
}

/** With the port claimed, so that the note is not that of the next claimer. */
async function removeNote(
  lockDirectory: string,
  port: number,
  dryRun: boolean,
): Promise<LeftBehind | undefined> {
  const socket = await holdUdpPort(port).catch(() => undefined)
  try {
    const directory = claimDirectory(lockDirectory)
    const names = readdirSync(directory).filter((name) => portOfClaimNote(name) === port)
    if (names.length === 0) return undefined
    const files = names.map((name) => path.join(path.basename(directory), name))
    const left = { first: port, last: port, files }
    if (!socket) return { ...left, kept: 'held' }
    const note = readClaimNote(lockDirectory, port, hostIdentity())
    if (files.some((name) => !isOwnNote(name) && isYoung(path.join(lockDirectory, name)))) {
      return { ...left, kept: 'elsewhere' }
    }
    const died = note?.died ?? kernelTime()
    const quarantine = note ? QUARANTINE_MS - elapsedSince(died) : 0
    if (quarantine > 0) {
      if (!note?.died && note && !dryRun) writeClaimNote(lockDirectory, port, { ...note, died })
      return { ...left, ...quarantinedFor(quarantine) }
    }
    if (!dryRun) for (const name of files) rmSync(path.join(lockDirectory, name), { force: true })
    return left
  } finally {
    await socket?.close()
  }
}

/** Whether the claim was made in this network namespace. */
function isOwnNote(name: string): boolean {
  return name.includes(`-${hostCode(hostIdentity())}.json`)
}

function isYoung(file: string): boolean {
  return Date.now() - lstatSync(file).mtimeMs < KEEP_UNCLEAR_FILES_MS
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // There are notes in it, or it was never made.
  }
}

function stillIn(lockDirectory: string, names: readonly string[]): string[] {
  return names.filter((name) =>
    lstatSync(path.join(lockDirectory, name), { throwIfNoEntry: false }),
  )
}
