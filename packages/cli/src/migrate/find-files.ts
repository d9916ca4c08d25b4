/** Finds the source files in files and directories. */
import { execFileSync } from 'node:child_process'
import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { inspect } from '@portslice/core/internal/inspect'
import { usageError } from '../command-line/usage-error.js'

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/
/** Directories to skip without git, whose .gitignore would exclude them. */
const SKIPPED_DIRECTORY = /^(\..*|node_modules|dist|build|coverage)$/
/** Enough for a list of a million files. */
const MAX_LIST_BYTES = 256 * 1024 * 1024

/** @throws PortsliceError ERR_PORTSLICE_USAGE for a path that does not exist */
export function findFiles(paths: readonly string[]): string[] {
  const files = paths.flatMap((each) => {
    const info = lstatSync(each, { throwIfNoEntry: false })
    if (!info) {
      throw usageError(
        `There is no file or directory ${inspect(each)}.`,
        'Name files or directories with tests, or none for all below this directory.',
        each,
      )
    }
    return info.isDirectory() ? filesBelow(each) : [path.resolve(each)]
  })
  return [...new Set(files)].sort()
}

function filesBelow(directory: string): string[] {
  return (filesOfGit(directory) ?? walk(directory))
    .filter((file) => SOURCE.test(file) && !/[\\/]node_modules[\\/]/.test(file))
    .filter((file) => lstatSync(file, { throwIfNoEntry: false })?.isFile())
}

/** Tracked and untracked files, without ignored ones. `undefined` outside of a git repository. */
function filesOfGit(directory: string): string[] | undefined {
  try {
    const list = execFileSync(
      'git',
      ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
      {
        cwd: directory,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        maxBuffer: MAX_LIST_BYTES,
      },
    )
    return list
      .split('\0')
      .filter((file) => file !== '')
      .map((file) => path.resolve(directory, file))
  } catch {
    return undefined
  }
}

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const file = path.resolve(directory, entry.name)
    if (!entry.isDirectory()) return [file]
    return SKIPPED_DIRECTORY.test(entry.name) ? [] : walk(file)
  })
}
