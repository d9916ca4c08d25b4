/** The directory that holds one lock and one journal a slice. Nothing is used that another user could have planted. */
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { codeOf, PortsliceError } from '../errors.js'
import { checkPrivateDirectory } from '../platform/private-directory.js'
import type { SliceStart } from './layout.js'

const OWNER_ONLY = 0o700

/**
 * Makes the directory, with mode 0700, if it is missing, and checks it. It is never changed.
 *
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY when it is a symbolic link, not a directory,
 *   another user's, writable by others, or cannot be made
 */
export function ensureLockDirectory(directory: string): void {
  if (checkLockDirectory(directory)) return
  try {
    makeParents(directory)
    makeDirectory(directory, OWNER_ONLY)
  } catch (cause) {
    throw refusal(directory, `cannot be made (${(cause as Error).message})`, cause)
  }
  // Another process may have made it first: what is there now counts.
  checkLockDirectory(directory)
}

/**
 * Checks the directory without making it.
 *
 * @param directory its path
 * @returns whether it is there
 * @throws PortsliceError ERR_PORTSLICE_LOCK_DIRECTORY when it is a symbolic link, not a directory,
 *   another user's, or writable by others
 */
export function checkLockDirectory(directory: string): boolean {
  const found = checkPrivateDirectory(directory)
  if (found.state === 'unfit') throw refusal(directory, found.why, found.cause)
  return found.state === 'private'
}

/**
 * With the mode that the umask leaves, as they may be there for others, too: `/tmp` itself can be
 * missing. Not with `recursive`, which goes on for ever where nothing can be made, as in /proc.
 */
function makeParents(directory: string): void {
  const parent = path.dirname(directory)
  if (parent === directory || existsSync(parent)) return
  makeParents(parent)
  makeDirectory(parent)
}

function makeDirectory(directory: string, mode?: number): void {
  try {
    mkdirSync(directory, mode)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error // Else another process was quicker.
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
        'Name a directory of your own in $PORTSLICE_LOCK_DIR or the option `lockDirectory`: one that is not there yet, or a real directory that only you can write to (mode 0700). What stands there now is left as it is. Without any place to write to, PORTSLICE_LOCK_DIR=none does without files.',
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
