import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pty from '@lydell/node-pty'
import { createAllocator, listSlices } from '@portslice/core'
import xterm from '@xterm/headless'
import { beforeEach, onTestFinished } from 'vitest'
import { TIED_TO_PARENT } from '../support/namespaces.ts'
import { Output } from '../support/output.ts'
import {
  cleanEnvironment,
  type Outcome,
  type ProcessOptions,
  TestProcess,
} from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

export { temporaryFolder }

export const COMMAND = fileURLToPath(
  new URL('../../packages/cli/dist/portslice.js', import.meta.url),
)

/** What the program of a test needs to start the command itself: `$P run …` in a shell. */
export const P = `'${process.execPath}' '${COMMAND}'`

export type StartOptions = Pick<ProcessOptions, 'cwd' | 'env' | 'lockDirectory' | 'detached'>

/** Each test sets the variables of a terminal itself. */
const NO_TERMINAL = { NO_COLOR: undefined, COLUMNS: undefined, TERM: undefined }

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

/** node-pty would pass them on as the string "undefined". */
function withoutUndefined(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** A program in a pseudo-terminal, of which it is the foreground. */
export class InTerminal {
  readonly terminal: pty.IPty
  readonly ended: Promise<{ exitCode: number; signal?: number }>
  readonly #output = new Output()
  readonly #screen: xterm.Terminal
  #hasEnded = false

  constructor(file: string, args: string[], options: StartOptions & { columns?: number } = {}) {
    const size = { cols: options.columns ?? 100, rows: 30 }
    this.#screen = new xterm.Terminal({ ...size, allowProposedApi: true })
    this.terminal = pty.spawn(file, args, {
      name: 'xterm-256color',
      ...size,
      cwd: options.cwd ?? os.tmpdir(),
      env: withoutUndefined({
        ...cleanEnvironment(),
        ...NO_TERMINAL,
        ...(options.lockDirectory && { PORTSLICE_LOCK_DIR: options.lockDirectory }),
        ...options.env,
      }),
    })
    this.terminal.onData((text) => {
      this.#output.add(text)
      this.#screen.write(text)
    })
    this.ended = new Promise((resolve) => {
      this.terminal.onExit((exit) => {
        this.#hasEnded = true
        this.#output.end()
        resolve(exit)
      })
    })
    onTestFinished(() => {
      if (!this.#hasEnded) this.terminal.kill('SIGKILL')
    })
  }

  get text(): string {
    return this.#output.text
  }

  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#output.until((text) => pattern.exec(text), pattern)
  }

  /** Waits until the lines on the screen are as expected, after everything was redrawn. */
  shows(isExpected: (screen: string) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const listener = this.#screen.onWriteParsed(() => {
        const { active } = this.#screen.buffer
        const lines = Array.from(
          { length: active.length },
          (_, row) => active.getLine(row)?.translateToString(true) ?? '',
        )
        if (!isExpected(lines.join('\n'))) return
        listener.dispose()
        resolve()
      })
    })
  }
}

export const sh = (script: string) => ['sh', '-c', script]

/** The ports that are out in this lock directory. */
export async function portsOut(lockDirectory: string): Promise<number[]> {
  const slices = await listSlices({ lockDirectory })
  return slices
    .filter(({ holder }) => holder)
    .flatMap(({ ports }) => ports.filter(({ state }) => state === 'out').map(({ port }) => port))
}

/**
 * A slice without a holder, for claims: below the default range, where no other test leases one. Another run
 * of these tests at the same time gets another slice.
 */
export async function ownSlice(
  lockDirectory: string,
): Promise<{ first: number; last: number; port: number }> {
  const workerId = process.pid
  await using allocator = await createAllocator({ lockDirectory, range: [1088, 3071], workerId })
  const { port } = await allocator.take()
  return { ...(allocator.slices[0] as { first: number; last: number }), port }
}

/**
 * Starts a program in namespaces of its own; it is killed at the end of the test.
 *
 * @param flags of `unshare`
 * @param setUp a shell script that runs there first
 * @param command the program with its arguments, which the script has as `$@`
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
