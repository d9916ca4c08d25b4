/** Runs `portslice`, and other programs, until the end of a test. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, onTestFinished } from 'vitest'
import { TIED_TO_PARENT } from './namespaces.ts'
import { type Outcome, type ProcessOptions, TestProcess } from './process.ts'
import { temporaryFolder } from './until-test-ends.ts'

export const COMMAND = fileURLToPath(
  new URL('../../packages/cli/dist/portslice.js', import.meta.url),
)

/** `portslice` as words of a shell, for programs that start the command themselves: `${PORTSLICE} run …`. */
export const PORTSLICE = `'${process.execPath}' '${COMMAND}'`

export type StartOptions = Pick<ProcessOptions, 'cwd' | 'env' | 'lockDirectory' | 'detached'>

/** Removes the variables of the terminal in which the tests run. */
export const NO_TERMINAL = { NO_COLOR: undefined, COLUMNS: undefined, TERM: undefined }

/** Gives each test of a file its own lock directory. */
export function useLockDirectory(): StartOptions & { lockDirectory: string } {
  const options = { lockDirectory: '' }
  beforeEach(() => {
    options.lockDirectory = path.join(temporaryFolder(), 'locks')
  })
  return options
}

/** Starts `portslice …args`; it is killed at the end of the test if it still runs. */
export function start(args: string[], options: StartOptions = {}): TestProcess {
  return startFile(process.execPath, [COMMAND, ...args], options)
}

export function startFile(
  file: string,
  args: readonly string[],
  options: StartOptions = {},
): TestProcess {
  const started = new TestProcess([file, ...args], {
    ...options,
    env: { ...NO_TERMINAL, ...options.env },
  })
  onTestFinished(() => void started.child.kill('SIGKILL'))
  return started
}

/** Runs `portslice …args`. */
export function portslice(args: string[], options: StartOptions = {}): Promise<Outcome> {
  const started = start(args, options)
  started.child.stdin?.end()
  return started.ended
}

export const sh = (script: string) => ['sh', '-c', script]

/**
 * Starts a program in new namespaces; it is killed at the end of the test.
 *
 * @param flags of `unshare`
 * @param setUp a shell script that runs there first
 * @param command the program with its arguments, which the script gets as `$@`
 */
export function startInNamespaces(
  flags: readonly string[],
  setUp: string,
  command: readonly string[],
  options: StartOptions = {},
): TestProcess {
  const script = `set -e; ${setUp}; exec "$@"`
  const args = [...flags, ...TIED_TO_PARENT, 'sh', '-c', script, 'sh', ...command]
  return startFile('unshare', args, options)
}
