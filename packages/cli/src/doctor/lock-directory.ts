/** Is the lock directory safe, and can it be written to? Nothing is left in it. */
import { accessSync, constants, mkdtempSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { checkLockDirectory, lockDirectoryFor, quoted } from '@portslice/core/inspect'
import { type Finding, problem } from './finding.js'

export function lockDirectoryFinding(env: NodeJS.ProcessEnv = process.env): Finding {
  const folder = lockDirectoryFor(undefined)
  const source = env.PORTSLICE_LOCK_DIR ? '$PORTSLICE_LOCK_DIR' : 'the folder for temporary files'
  const named = `The lock directory is ${quoted(folder)}, from ${source}`
  try {
    if (!checkLockDirectory(folder)) return missing(folder, named)
    rmdirSync(mkdtempSync(path.join(folder, 'doctor-')))
    return {
      id: 'lock-directory',
      level: 'ok',
      message: `${named}. It is yours, nobody else can write to it, and you can.`,
    }
  } catch (error) {
    const found = problem('lock-directory', error)
    return found.advice === undefined ? unwritable(folder, error) : found
  }
}

function missing(folder: string, named: string): Finding {
  let parent = path.dirname(folder)
  try {
    while (!exists(parent)) parent = path.dirname(parent)
    accessSync(parent, constants.W_OK | constants.X_OK)
  } catch (error) {
    return unwritable(folder, error)
  }
  return {
    id: 'lock-directory',
    level: 'ok',
    message: `${named}. It is made when it is first needed.`,
  }
}

function exists(folder: string): boolean {
  try {
    accessSync(folder, constants.F_OK)
    return true
  } catch {
    return path.dirname(folder) === folder
  }
}

function unwritable(folder: string, error: unknown): Finding {
  return {
    id: 'lock-directory',
    level: 'problem',
    message: `The lock directory ${quoted(folder)} cannot be written to (${(error as Error).message}).`,
    advice: 'Make room on its disk, or name another folder of your own in $PORTSLICE_LOCK_DIR.',
  }
}
