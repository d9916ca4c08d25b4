/** Is the lock directory safe, and can it be written to? Nothing is left in it. */
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { checkLockDirectory, inspect, lockDirectoryFor } from '@portslice/core/inspect'
import { type Finding, problem } from './finding.js'

export function lockDirectoryFinding(env: NodeJS.ProcessEnv = process.env): Finding {
  const folder = lockDirectoryFor(undefined)
  if (folder === undefined) {
    return {
      id: 'lock-directory',
      level: 'note',
      message:
        'portslice runs without files, from $PORTSLICE_LOCK_DIR=none: ports are unique in this network namespace only, and the ports of a crashed process are not quarantined.',
      advice: 'Unset $PORTSLICE_LOCK_DIR if a directory can be written to.',
    }
  }
  const source = env.PORTSLICE_LOCK_DIR ? '$PORTSLICE_LOCK_DIR' : 'the folder for temporary files'
  const named = `The lock directory is ${inspect(folder)}, from ${source}`
  let isThere: boolean
  try {
    isThere = checkLockDirectory(folder)
  } catch (error) {
    return problem('lock-directory', error)
  }
  try {
    tryToWrite(isThere ? folder : nearestFolder(folder))
  } catch (error) {
    return {
      id: 'lock-directory',
      level: 'problem',
      message: `The lock directory ${inspect(folder)} cannot be ${isThere ? 'written to' : 'made'} (${(error as Error).message}).`,
      advice:
        'Name another folder of your own in $PORTSLICE_LOCK_DIR, on a disk that has room and may be written to.',
    }
  }
  return {
    id: 'lock-directory',
    level: 'ok',
    message: isThere
      ? `${named}. It is yours, nobody else can write to it, and you can.`
      : `${named}. It is made when it is first needed.`,
  }
}

/** Permissions tell little: root has them all, also where nothing can be written. */
function tryToWrite(folder: string): void {
  rmdirSync(mkdtempSync(path.join(folder, 'portslice-doctor-')))
}

/** Where the folder would be made, or the first of those above it. */
function nearestFolder(folder: string): string {
  const parent = path.dirname(folder)
  return parent === folder || existsSync(parent) ? parent : nearestFolder(parent)
}
