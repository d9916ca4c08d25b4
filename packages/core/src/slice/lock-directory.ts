import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { codeOf, PortsliceError } from '../errors.js'
import { checkPrivateDirectory } from '../platform/private-directory.js'
import { system } from '../platform/system.js'

const OWNER_ONLY = 0o700

/** Creates the directory if it is missing, and checks it. @throws PortsliceError */
export function ensureLockDirectory(directory: string): void {
  if (checkLockDirectory(directory)) return
  try {
    createParents(directory)
    if (createDirectory(directory, OWNER_ONLY)) system.makePrivate?.(directory)
  } catch (cause) {
    throw lockDirectoryError(directory, `cannot be created (${(cause as Error).message})`, cause)
  }
  checkLockDirectory(directory)
}

/** @returns whether it exists @throws PortsliceError if another user can write to it */
export function checkLockDirectory(directory: string): boolean {
  const found = checkPrivateDirectory(directory)
  if (found.state === 'unfit') throw lockDirectoryError(directory, found.why, found.cause)
  return found.state === 'private'
}

/** Without `recursive`, which loops forever if no directory can be created, as in /proc. */
function createParents(directory: string): void {
  const parent = path.dirname(directory)
  if (parent === directory || existsSync(parent)) return
  createParents(parent)
  createDirectory(parent)
}

/** False if another process was faster. */
function createDirectory(directory: string, mode?: number): boolean {
  try {
    mkdirSync(directory, mode)
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    return false
  }
}

/** @param why completes the sentence "The lock directory … " */
export function lockDirectoryError(
  directory: string,
  why: string,
  cause?: unknown,
): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_LOCK_DIRECTORY',
    `The lock directory ${JSON.stringify(directory)} ${why}, so portslice cannot use it.`,
    {
      value: directory,
      advice:
        'Set $PORTSLICE_LOCK_DIR or the option `lockDirectory` to a directory that does not exist yet, or that only you can write to (mode 0700). portslice does not change the current one. If no directory is writable, PORTSLICE_LOCK_DIR=none works without files.',
      cause,
    },
  )
}
