import { existsSync } from 'node:fs'
import path from 'node:path'

/** The nearest directory upwards with a `.git` (a directory, or the file of a worktree), else `directory`. */
export function findProjectRoot(directory: string): string {
  for (let candidate = directory; ; ) {
    if (hasGit(candidate)) return candidate
    const parent = path.dirname(candidate)
    if (parent === candidate) return directory
    candidate = parent
  }
}

/** Node's permission model may deny access to a parent directory; it is skipped then. */
function hasGit(directory: string): boolean {
  try {
    return existsSync(path.join(directory, '.git'))
  } catch {
    return false
  }
}
