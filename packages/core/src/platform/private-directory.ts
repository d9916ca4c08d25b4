/** A directory that only this user can write to: what another user may have planted is not one. */
import { lstatSync, type Stats } from 'node:fs'

const WRITABLE_BY_OTHERS = 0o022

/** What stands at a path. */
export type PrivateDirectory =
  | {
      /** Nothing stands there, or a directory of this user alone. */
      readonly state: 'absent' | 'private'
    }
  | {
      /** Something else stands there. */
      readonly state: 'unfit'
      /** What is wrong with it, as the rest of the sentence "The directory … ". */
      readonly why: string
      /** What the system said, if it cannot be looked at. */
      readonly cause?: unknown
    }

/**
 * Tells whether a directory is this user's alone. Links are not followed.
 *
 * @param path without a slash at the end, which would follow a link
 */
export function lookAtPrivateDirectory(path: string): PrivateDirectory {
  let found: Stats | undefined
  try {
    found = lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    return unfit(`cannot be looked at (${(cause as Error).message})`, cause)
  }
  if (!found) return { state: 'absent' }
  if (found.isSymbolicLink()) return unfit('is a symbolic link')
  if (!found.isDirectory()) return unfit('is not a directory')
  const user = process.getuid?.()
  if (user === undefined) return { state: 'private' } // Windows has neither uids nor mode bits.
  if (found.uid !== user) {
    return unfit(`belongs to another user (uid ${found.uid}, you are ${user})`)
  }
  if (found.mode & WRITABLE_BY_OTHERS) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    return unfit(`can be written to by other users (its mode is ${mode})`)
  }
  return { state: 'private' }
}

function unfit(why: string, cause?: unknown): PrivateDirectory {
  return { state: 'unfit', why, ...(cause !== undefined && { cause }) }
}
