/** Reads and writes files in directories that only this user can write to. */
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
  text: string
  /** In ms since 1970. */
  changedAt: number
}

/** `undefined` if it is not a regular file. Does not follow a link, or wait for a pipe. */
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

/** Replaces the file atomically. */
export function writeOwnFile(path: string, text: string): void {
  const draft = `${path}.new`
  // A dead process may have left a draft, or another program a link, which must not be followed.
  rmSync(draft, { force: true, recursive: true })
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  renameSync(draft, path)
}

/** As {@link writeOwnFile}. @returns the file, open for appending */
export function replaceOwnFile(path: string, text: string): number {
  writeOwnFile(path, text)
  return openSync(path, constants.O_WRONLY | constants.O_APPEND)
}

/** Not atomic, but faster: ext4 writes a file to the disk before it replaces another one. */
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

/** Does not follow a link, or wait for a pipe. @returns false if it would grow too large, or is not a file */
export function appendToOwnFile(path: string, text: string, maxBytes: number): boolean {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() || stats.size + Buffer.byteLength(text) > maxBytes) return false
    writeFileSync(file, text)
    return true
  } finally {
    closeSync(file)
  }
}
