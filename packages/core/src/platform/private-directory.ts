import { lstatSync, type Stats } from 'node:fs'

const WRITABLE_BY_OTHERS = 0o022

/** Whether only this user can write to a directory, so that no other user can plant files in it. */
export type PrivateDirectory =
  | { readonly state: 'absent' | 'private' }
  | {
      readonly state: 'unfit'
      /** What is wrong, as the rest of the sentence "The directory … ". */
      readonly why: string
      readonly cause?: unknown
    }

/** @param path without a slash at the end, which would follow a symbolic link */
export function checkPrivateDirectory(path: string): PrivateDirectory {
  let stats: Stats | undefined
  try {
    stats = lstatSync(path, { throwIfNoEntry: false })
  } catch (cause) {
    return { ...unfit(`cannot be accessed (${(cause as Error).message})`), cause }
  }
  if (!stats) return { state: 'absent' }
  if (stats.isSymbolicLink()) return unfit('is a symbolic link')
  if (!stats.isDirectory()) return unfit('is not a directory')
  const user = process.getuid?.()
  if (user === undefined) return { state: 'private' } // Windows has neither uids nor mode bits.
  if (stats.uid !== user) {
    return unfit(`belongs to another user (uid ${stats.uid}, you are ${user})`)
  }
  if (stats.mode & WRITABLE_BY_OTHERS) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    return unfit(`can be written to by other users (its mode is ${mode})`)
  }
  return { state: 'private' }
}

function unfit(why: string): Extract<PrivateDirectory, { state: 'unfit' }> {
  return { state: 'unfit', why }
}
