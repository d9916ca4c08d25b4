import os from 'node:os'
import path from 'node:path'
import { checkPrivateDirectory } from '../platform/private-directory.js'
import { userIdentity } from '../platform/user.js'
import { processWide } from '../process-state.js'

/** How many names to try if other users have taken some. Limited, because an attacker can take any number. */
const MAX_DEFAULT_NAMES = 8

/** An absolute path, which may not exist yet. `undefined`: without files. */
export function resolveLockDirectory(option: string | false | undefined): string | undefined {
  if (option === false) return undefined
  if (option !== undefined) return path.resolve(workingDirectory() || path.sep, option)
  const named = process.env.PORTSLICE_LOCK_DIR
  // A directory of that name is written `./none`.
  if (named === 'none') return undefined
  return named ? resolveOnce(named) : defaultLockDirectory(resolveOnce(os.tmpdir()))
}

/**
 * The first name that is a private directory of this user, else the first that is free. So all processes of this
 * user choose the same one, even if an earlier name becomes free.
 */
export function defaultLockDirectory(parent: string): string {
  const names = Array.from({ length: MAX_DEFAULT_NAMES }, (_, i) => (i === 0 ? '' : `-${i + 1}`))
  const paths = names.map((suffix) => path.join(parent, `portslice-${userIdentity()}${suffix}`))
  let free: string | undefined
  for (const each of paths) {
    const { state } = checkPrivateDirectory(each)
    if (state === 'private') return each
    if (state === 'absent') free ??= each
  }
  // If all names are taken, checking the first one fails with the reason.
  return free ?? (paths[0] as string)
}

/** Resolves each path only once, so that it names the same directory after `chdir`. */
function resolveOnce(directory: string): string {
  if (path.isAbsolute(directory)) return path.resolve(directory)
  const resolved = processWide('resolved directories', () => new Map())
  const known: string | undefined = resolved.get(directory)
  if (known !== undefined) return known
  const absolute = path.resolve(workingDirectory() || path.sep, directory)
  resolved.set(directory, absolute)
  return absolute
}

/** An empty string if the working directory has been deleted. */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
