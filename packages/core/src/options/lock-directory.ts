/** Which directory has the locks and journals; it need not be there. */
import os from 'node:os'
import path from 'node:path'
import { checkPrivateDirectory } from '../platform/private-directory.js'
import { userIdentity } from '../platform/user.js'
import { processWide } from '../process-state.js'

/** `$PORTSLICE_LOCK_DIR` for "without files". A directory of that name is written `./none`. */
export const WITHOUT_FILES = 'none'

/** Names that are tried if others have taken those before. Who plants eight can plant more. */
const DEFAULT_NAMES = 8

/**
 * The lock directory as an absolute path; it need not be there.
 *
 * @param option what was given, else `$PORTSLICE_LOCK_DIR`, else the default
 * @returns `undefined` for none: without files
 */
export function lockDirectoryFor(option: string | false | undefined): string | undefined {
  if (option === false) return undefined
  if (option !== undefined) return path.resolve(workingDirectory() || path.sep, option)
  const named = process.env.PORTSLICE_LOCK_DIR
  if (named === WITHOUT_FILES) return undefined
  return named ? resolveOnce(named) : defaultLockDirectory(resolveOnce(os.tmpdir()))
}

/**
 * The first of the default names that is a directory of this user alone, else the first that is
 * not taken. So what another user has under such a name is not in the way, and processes of one
 * user agree: a directory that is in use stays the choice when a name before it becomes free.
 *
 * @param parent absolute
 */
export function defaultLockDirectory(parent: string): string {
  const names = Array.from({ length: DEFAULT_NAMES }, (_, i) => (i === 0 ? '' : `-${i + 1}`))
  const paths = names.map((suffix) => path.join(parent, `portslice-${userIdentity()}${suffix}`))
  let free: string | undefined
  for (const each of paths) {
    const { state } = checkPrivateDirectory(each)
    if (state === 'private') return each
    if (state === 'absent') free ??= each
  }
  // If none will do, the error about the first one says what is wrong.
  return free ?? (paths[0] as string)
}

/** A variable is meant from where the process began: after `chdir` it names the same directory. */
function resolveOnce(directory: string): string {
  if (path.isAbsolute(directory)) return path.resolve(directory)
  const resolved = processWide('resolved directories', () => new Map())
  const known: string | undefined = resolved.get(directory)
  if (known !== undefined) return known
  const absolute = path.resolve(workingDirectory() || path.sep, directory)
  resolved.set(directory, absolute)
  return absolute
}

/** Empty when it has been deleted. */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
