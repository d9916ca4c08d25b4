import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { codeOf, inspect, PortsliceError, system } from '@portslice/core/internal/inspect'
import { ProcessTree, treeMarker } from '@portslice/process-tree'
import { printError } from '../terminal/print.js'
import {
  exitStatus,
  firstProcessRecipient,
  isEndSignal,
  type SignalForwarder,
} from './signal-forwarder.js'

const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

export interface ProgramOptions {
  program: readonly string[]
  env: NodeJS.ProcessEnv
  ports: readonly number[]
  /** The run ends when no port was in use for this time. `undefined`: when all processes have ended. */
  lingerMs: number | undefined
  signals: SignalForwarder
}

/**
 * Runs a program in this process group with the same stdin, stdout and stderr, and waits for its
 * background processes.
 *
 * @returns its exit status
 */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const { env, ports, lingerMs, signals } = options
  const [command = '', ...args] = options.program
  const marker = treeMarker(env)
  const child = (await loadSpawn())(command, args, {
    stdio: 'inherit',
    env: { ...env, ...marker.env },
  })
  const failed = once(child, 'error').then(([error]) => error as Error)
  if (child.pid === undefined) return reportStartFailure(command, await failed)
  const tree = new ProcessTree(marker.id, child)
  const forwardToChild = firstProcessRecipient(child)
  let end: { signal: NodeJS.Signals; wasForGroup: boolean } | undefined
  signals.forwardTo((signal, wasForGroup) => {
    if (isEndSignal(signal)) end = { signal, wasForGroup }
    forwardToChild(signal, wasForGroup)
  })
  const stopWatching = tree.watch()
  // Loaded while the program runs, so that its start is not delayed.
  const { BackgroundProcesses } = await import('./background-processes.js')
  const status = await waitForExit(child)
  stopWatching()
  const background = new BackgroundProcesses({ tree, command, ports, lingerMs })
  signals.forwardTo((signal, wasForGroup) => void background.signal(signal, wasForGroup))
  // npm and similar tools end on a signal, but leave their children running.
  if (end) await background.signal(end.signal, end.wasForGroup)
  await background.wait()
  return status
}

type Spawn = (
  command: string,
  args: string[],
  options: { stdio: 'inherit'; env: NodeJS.ProcessEnv },
) => ChildProcess

/** On Windows, `npm` and similar tools are scripts. Only cross-spawn passes arguments to scripts correctly. */
async function loadSpawn(): Promise<Spawn> {
  return system.areToolsScripts ? (await import('cross-spawn')).default : spawn
}

async function waitForExit(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return exitStatus(child.exitCode, child.signalCode)
}

function reportStartFailure(command: string, cause: Error): number {
  const isMissing = codeOf(cause) === 'ENOENT'
  const [problem, advice] = isMissing
    ? explainMissing(command)
    : [
        `${inspect(command)} cannot be run (${cause.message}).`,
        'Make it executable (chmod +x), or name its interpreter: portslice run -- sh FILE',
      ]
  const options = { value: command, advice, cause }
  printError(new PortsliceError('ERR_PORTSLICE_COMMAND', problem, options).message)
  return isMissing ? NOT_FOUND : NOT_EXECUTABLE
}

function explainMissing(command: string): [problem: string, advice: string] {
  const directory = process.env.PWD ?? '/'
  if (!existsSync(directory)) {
    return [
      `${inspect(command)} cannot be run: the directory ${inspect(directory)} has been deleted.`,
      'Change to a directory that exists.',
    ]
  }
  const problem = `There is no command ${inspect(command)}.`
  if (!command.includes('/')) {
    return [
      problem,
      "Install it or give its path: it is not in a directory of $PATH. Run a shell command with: portslice run -- sh -c '…'",
    ]
  }
  return [
    problem,
    existsSync(command)
      ? 'The file exists, but not the interpreter in its first line (#!).'
      : 'Check the path; it is relative to the current directory.',
  ]
}
