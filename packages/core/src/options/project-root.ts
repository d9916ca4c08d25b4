import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * The root folder of the checkout that `folder` lies in: the nearest folder above it with a
 * `.git` (a folder, or the file that a worktree has), else `folder` itself.
 */
export function findProjectRoot(folder: string): string {
  for (let candidate = folder; ; ) {
    if (hasGit(candidate)) return candidate
    const parent = path.dirname(candidate)
    if (parent === candidate) return folder
    candidate = parent
  }
}

/** Under Node's permission list a directory above may be closed: what cannot be seen is passed over. */
function hasGit(directory: string): boolean {
  try {
    return existsSync(path.join(directory, '.git'))
  } catch {
    return false
  }
}
