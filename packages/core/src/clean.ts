/**
 * Removes what dead holders left in the lock directory, and nothing of a live one.
 *
 * @module @portslice/core/clean
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { notedPorts } from './api/claim/list-claims.js'
import { portOfNote, readNote } from './api/claim/note.js'
import { lockDirectoryFor } from './options/lock-directory.js'
import { checkListOptions } from './options/options.js'
import { Date } from './platform/clock.js'
import { hostIdentity } from './platform/host.js'
import { holdUdpPort } from './probe/held-udp.js'
import { isListening } from './probe/listening.js'
import { type LastHolder, quarantineOf, readLastHolder } from './slice/last-holder.js'
import { type SliceStart, sentinelOf } from './slice/layout.js'
import { takeLock } from './slice/lock.js'
import { checkLockDirectory, sliceOfFile } from './slice/lock-directory.js'

/**
 * How long a holder of another network namespace, or of before the last boot, must have given
 * no sign of life, in ms. Its sentinel cannot be asked from here, and it may be stopped in a
 * debugger, which nobody is for a day.
 */
const SURELY_DEAD = 24 * 60 * 60_000

/** What {@link removeLeftBehind} takes. */
export interface RemoveLeftBehindOptions {
  /** The directory to tidy up; `false`: none. Default: as the option `lockDirectory` of an allocator. */
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
  /** What was left of it: names of files and folders in the lock directory. */
  files: string[]
  /** Why it was left alone; missing where it was removed. */
  kept?: 'held' | 'quarantined' | 'leaked' | 'elsewhere' | 'locked'
  /** Of a quarantine: when it ends, ISO 8601. */
  until?: string
}

/**
 * Removes the journals, locks and guards of holders that are dead, whose quarantine has ended,
 * and the notes of dead claims.
 *
 * Each slice is held meanwhile, sentinel and lock, so that nobody is half-way into it.
 *
 * @param options which folder, and whether to remove anything
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
  const folder = lockDirectoryFor(options.lockDirectory)
  if (folder === undefined || !checkLockDirectory(folder)) return []
  const slices = [...filesBySlice(folder)].sort(([a], [b]) => a - b)
  const found: LeftBehind[] = []
  for (const [slice, names] of slices) {
    const outcome = await removeOf(folder, slice, names, dryRun)
    if (outcome) found.push(outcome)
  }
  for (const port of notedPorts(folder)) {
    const outcome = await removeNoteOf(folder, port, dryRun)
    if (outcome) found.push(outcome)
  }
  return found
}

/** With the port claimed, so that the note is not the next one's. */
async function removeNoteOf(
  folder: string,
  port: number,
  dryRun: boolean,
): Promise<LeftBehind | undefined> {
  const flag = await holdUdpPort(port).catch(() => undefined)
  try {
    const files = readdirSync(folder).filter((name) => portOfNote(name) === port)
    if (files.length === 0) return undefined
    const left = { first: port, last: port, files }
    if (!flag) return { ...left, kept: 'held' }
    const note = readNote(folder, port)
    const isElsewhere = note && note.host !== hostIdentity()
    if (isElsewhere && Date.now() - Date.parse(note.at) < SURELY_DEAD) {
      return { ...left, kept: 'elsewhere' }
    }
    if (!dryRun) for (const name of files) rmSync(path.join(folder, name), { force: true })
    return left
  } finally {
    await flag?.close()
  }
}

function filesBySlice(folder: string): Map<SliceStart, string[]> {
  const files = new Map<SliceStart, string[]>()
  for (const name of readdirSync(folder).sort()) {
    const slice = sliceOfFile(name)
    if (slice !== undefined) files.set(slice, [...(files.get(slice) ?? []), name])
  }
  return files
}

async function removeOf(
  folder: string,
  slice: SliceStart,
  names: readonly string[],
  dryRun: boolean,
): Promise<LeftBehind | undefined> {
  const outcome = (kept?: LeftBehind['kept'], until?: number): LeftBehind | undefined => {
    return files.length === 0
      ? undefined
      : {
          first: slice,
          last: sentinelOf(slice),
          files,
          ...(kept && { kept }),
          ...(until !== undefined && { until: new Date(until).toISOString() }),
        }
  }
  let files = stillIn(folder, names)
  const sentinel = await holdUdpPort(sentinelOf(slice))
  if (!sentinel) return outcome('held')
  try {
    // Looked at again: whoever held it may have given it back just now.
    files = stillIn(folder, names)
    const last = readLastHolder(folder, slice)
    if (last && mayLiveElsewhere(last)) return outcome('elsewhere')
    const quarantined = last ? [...quarantineOf(last, slice, Date.now()).values()] : []
    if (quarantined.length > 0) {
      return outcome('quarantined', Math.max(...quarantined.map(({ until }) => until)))
    }
    if (last && (await isLeaking(last))) return outcome('leaked')
    if (dryRun || files.length === 0) return outcome()
    return (await removeLocked(folder, slice, files)) ? outcome() : outcome('locked')
  } finally {
    await sentinel.close()
  }
}

function stillIn(folder: string, names: readonly string[]): string[] {
  return names.filter((name) => lstatSync(path.join(folder, name), { throwIfNoEntry: false }))
}

/** With the lock, so that a holder of another network namespace stays away as well. */
async function removeLocked(
  folder: string,
  slice: SliceStart,
  files: readonly string[],
): Promise<boolean> {
  const lock = await takeLock({
    folder,
    slice,
    host: hostIdentity(),
    onMade: () => {},
    onRefreshed: () => {},
    onTrouble: () => {},
    canWait: () => false,
  })
  if (!lock) return false
  try {
    for (const name of files) {
      // The lock goes when it is released. A guard belongs to a lock that is no more.
      if (!name.endsWith('.lock')) {
        rmSync(path.join(folder, name), { recursive: true, force: true })
      }
    }
  } finally {
    await lock.release()
  }
  return true
}

/** The sentinel tells only of this network namespace. */
function mayLiveElsewhere({ lease, ended, changedAt, lockedAt = 0 }: LastHolder): boolean {
  if (!lease || ended || lease.host === hostIdentity()) return false
  return Date.now() - Math.max(changedAt, lockedAt) < SURELY_DEAD
}

/** Then the journal still tells whose it was. */
async function isLeaking({ ports }: LastHolder): Promise<boolean> {
  for (const { port, state } of ports) {
    if (state === 'leaked' && (await isListening(port))) return true
  }
  return false
}
