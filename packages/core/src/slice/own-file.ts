/** Files of the lock directory, as somebody may have planted one in their place. */
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

/** What was read of a file. */
export interface FoundFile {
  /** Its beginning, or all of it. */
  text: string
  /** When it was last changed, in ms since 1970. */
  changedAt: number
}

/**
 * Reads a file; `undefined` where there is something else. No link is followed, and a pipe is
 * not waited for.
 *
 * @param path of the file
 * @param atMost so many bytes of it are read
 * @throws the system's error when there is nothing, or it cannot be opened
 */
export function readOwnFile(path: string, atMost: number): FoundFile | undefined {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) return undefined
    const bytes = Buffer.alloc(Math.min(stats.size, atMost))
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
    return { text, changedAt: Math.ceil(stats.mtimeMs) }
  } finally {
    closeSync(file)
  }
}

/** Writes a file anew, so that nobody sees half of it. @throws the system's error */
export function writeOwnFile(path: string, text: string): void {
  const draft = `${path}.new`
  // Whatever lies there was left by a death, or planted: it is not written through.
  rmSync(draft, { force: true, recursive: true })
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, path)
}

/** As {@link writeOwnFile}. @returns the open file, to be appended to */
export function replaceOwnFile(path: string, text: string): number {
  writeOwnFile(path, text)
  return openSync(path, constants.O_WRONLY | constants.O_APPEND)
}

/**
 * Makes a file in the place of one that nobody needs any more. Quicker than replacing that:
 * before ext4 lets a new file replace another, it writes it to the disk.
 *
 * @returns the open file, to be appended to
 * @throws the system's error
 */
export function makeOwnFile(path: string, text: string): number {
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
