/** Writes a migrated file, if git can restore the old one. */
import { execFileSync } from 'node:child_process'
import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readSource } from './read-source.js'

/** Why a file was not written. */
export type Refusal = 'uncommitted' | 'not in git' | 'changed meanwhile'

/**
 * @param before what the file contained when it was read
 * @param force also if git cannot restore the file
 * @returns why it was not written
 */
export function writeMigrated(
  file: string,
  before: string,
  after: string,
  { force }: { force: boolean },
): Refusal | undefined {
  const target = realpathSync(file)
  const refusal = force ? undefined : notRestorable(target)
  if (refusal) return refusal
  if (readSource(target) !== before) return 'changed meanwhile'
  // Renamed as a whole, so that a crash cannot leave half a file.
  const temporary = `${target}.portslice-${process.pid}`
  try {
    writeFileSync(temporary, after, { mode: statSync(target).mode, flag: 'wx' })
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  return undefined
}

function notRestorable(file: string): Refusal | undefined {
  try {
    const status = execFileSync(
      'git',
      ['status', '--porcelain', '--ignored', '--untracked-files=all', '--', file],
      { cwd: path.dirname(file), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )
    if (status === '') return undefined
    return /^(\?\?|!!)/.test(status) ? 'not in git' : 'uncommitted'
  } catch {
    return 'not in git'
  }
}
