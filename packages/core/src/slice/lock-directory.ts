/** The folder that holds one lock and one journal a slice. Nothing is used that another user could have planted. */
import { existsSync, lstatSync, mkdirSync, type Stats } from 'node:fs'
import path from 'node:path'
import { codeOf, PortsliceError } from '../errors.js'
import type { SliceStart } from './layout.js'

const OWNER_ONLY = 0o700
const WRITABLE_BY_OTHERS = 0o022

/**
 * Makes the folder, with mode 0700, if it is missing, and checks it. It is never changed.
 *
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY when it is a symbolic link, no folder,
 *   another user's, writable by others, or cannot be made
 */
export function ensureLockDirectory(folder: string): void {
  if (checkLockDirectory(folder)) return
  try {
    makeFolder(folder)
  } catch (cause) {
    throw refusal(folder, `cannot be made (${(cause as Error).message})`, cause)
  }
  // Somebody may have been quicker: what is there now counts.
  checkLockDirectory(folder)
}

/**
 * Checks the folder without making it.
 *
 * @param folder its path
 * @returns whether it is there
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY when it is a symbolic link, no folder,
 *   another user's, or writable by others
 */
export function checkLockDirectory(folder: string): boolean {
  const found = statOf(folder)
  if (found) check(folder, found)
  return found !== undefined
}

function statOf(folder: string): Stats | undefined {
  try {
    return lstatSync(folder, { throwIfNoEntry: false })
  } catch (cause) {
    throw refusal(folder, `cannot be looked at (${(cause as Error).message})`, cause)
  }
}

function check(folder: string, found: Stats): void {
  if (found.isSymbolicLink()) throw refusal(folder, 'is a symbolic link')
  if (!found.isDirectory()) throw refusal(folder, 'is not a folder')
  const user = process.getuid?.()
  if (user === undefined) return // Windows has neither uids nor mode bits.
  if (found.uid !== user) {
    throw refusal(folder, `belongs to another user (uid ${found.uid}, you are ${user})`)
  }
  if (found.mode & WRITABLE_BY_OTHERS) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    throw refusal(folder, `can be written to by other users (its mode is ${mode})`)
  }
}

/** Not with `recursive`, which goes on for ever where nothing can be made, as in /proc. */
function makeFolder(folder: string): void {
  const parent = path.dirname(folder)
  if (parent !== folder && !existsSync(parent)) makeFolder(parent)
  try {
    mkdirSync(folder, { mode: OWNER_ONLY })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // Else somebody was quicker.
  }
}

/** @param why what is wrong with it, as the rest of the sentence "The lock directory … " */
export function refusal(folder: string, why: string, cause?: unknown): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_LOCK_DIRECTORY',
    `The lock directory ${JSON.stringify(folder)} ${why}, so portslice cannot use it.`,
    {
      value: folder,
      advice:
        'Name a folder of your own in $PORTSLICE_LOCK_DIR or the option `lockDirectory`: one that is not there yet, or a real folder that only you can write to (mode 0700). What stands there now is left as it is.',
      cause,
    },
  )
}

/** What `proper-lockfile` is asked to lock; the lock itself is this path with `.lock` appended. */
export function lockedPath(folder: string, slice: SliceStart): string {
  return path.join(folder, `slice-${slice}`)
}

export function lockPath(folder: string, slice: SliceStart): string {
  return `${lockedPath(folder, slice)}.lock`
}

export function journalPath(folder: string, slice: SliceStart): string {
  return `${lockedPath(folder, slice)}.ndjson`
}

/** The slice whose journal a file of the lock directory is, if it is one. */
export function sliceOfJournal(fileName: string): SliceStart | undefined {
  const match = /^slice-(\d{1,5})\.ndjson$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

/** The liveness socket of a slice. */
export function livenessPath(folder: string, slice: SliceStart): string {
  return `${lockedPath(folder, slice)}.sock`
}

/** The slice that a file of the lock directory belongs to, whatever it is to it. */
export function sliceOfFile(fileName: string): SliceStart | undefined {
  const [, slice, draft] =
    /^(?:slice-(\d{1,5})\.(?:ndjson|ndjson\.new|sock|lock)|(\d{1,5})\.[0-9a-z-]+\.(?:new|old))$/.exec(
      fileName,
    ) ?? []
  const first = slice ?? draft
  return first === undefined ? undefined : Number(first)
}
