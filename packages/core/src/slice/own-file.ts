/** Access to files of the lock directory that is safe if another program has put one there. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { codeOf } from '../errors.js'

export interface FoundFile {
  /** At most the requested number of bytes. */
  text: string
  /** When it was last changed, in ms since 1970. */
  changedAt: number
}

/**
 * Reads a regular file; `undefined` if it is something else. Does not follow a link, or wait for a
 * pipe.
 *
 * @throws the system error if it does not exist or cannot be opened
 */
export function readOwnFile(path: string, maxBytes: number): FoundFile | undefined {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) return undefined
    const bytes = Buffer.alloc(Math.min(stats.size, maxBytes))
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    return { text, changedAt: Math.ceil(stats.mtimeMs) }
  } finally {
    closeSync(file)
  }
}

/** Replaces a file atomically. @throws the system error */
export function writeOwnFile(path: string, text: string): void {
  const draft = `${path}.new`
  // Left by a process that died, or a link of another program, which must not be followed.
  rmSync(draft, { force: true, recursive: true })
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, path)
}

/** As {@link writeOwnFile}. @returns the file, open for appending */
export function replaceOwnFile(path: string, text: string): number {
  writeOwnFile(path, text)
  return openSync(path, constants.O_WRONLY | constants.O_APPEND)
}

/**
 * Removes a file and creates it again: faster than an atomic replacement, for which ext4 writes the
 * new file to the disk.
 *
 * @returns the file, open for appending
 * @throws the system error
 */
export function createOwnFile(path: string, text: string): number {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  const file = openSync(path, 'ax', 0o600)
  try {
    writeFileSync(file, text)
    return file
  } catch (error) {
    closeSync(file)
    throw error
  }
}
