/** One program, run to its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { codeOf, inspect, PortsliceError } from '@portslice/core/internal/inspect'
import { ProcessTree, treeMarker } from '@portslice/process-tree'
import { coloursFor } from '../terminal/colours.js'
import { exitStatus, isEndSignal, recipientOf, type SignalForwarder } from './signal-forwarder.js'

/** What shells answer for a program that is not there, and for one that cannot be run. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

export interface ProgramOptions {
  /** The command and its arguments. */
  program: readonly string[]
  env: NodeJS.ProcessEnv
  /** The leased ports. */
  ports: readonly number[]
  /** ms without use of a leased port after which the run ends; `undefined`: when every process has ended. */
  linger: number | undefined
  signals: SignalForwarder
}

/**
 * Runs a program with this process' own stdin, stdout and stderr, in its process group.
 *
 * @returns its exit status, when it has ended and no process that it left is waited for
 */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const { env, ports, linger, signals } = options
  const [command = '', ...args] = options.program
  const marker = treeMarker(env)
  const child = (await spawner())(command, args, {
    stdio: 'inherit',
    env: { ...env, ...marker.env },
  })
  const failed = once(child, 'error').then(([error]) => error as Error)
  if (child.pid === undefined) return notStarted(command, await failed)
  const tree = new ProcessTree(marker.id, child)
  const toFirst = recipientOf(child)
  let end: { signal: NodeJS.Signals; wasForGroup: boolean } | undefined
  signals.to((signal, wasForGroup) => {
    if (isEndSignal(signal)) end = { signal, wasForGroup }
    toFirst(signal, wasForGroup)
  })
  const stopWatching = tree.watch()
  // Loaded while the program runs, which need not wait for it.
  const { BackgroundProcesses } = await import('./background-processes.js')
  const status = await endOf(child)
  stopWatching()
  const background = new BackgroundProcesses({ tree, command, ports, linger })
  signals.to((signal, wasForGroup) => void background.signal(signal, wasForGroup))
  // npm and its like end by a signal, and leave what they have started: it was meant to end, too.
  if (end) await background.signal(end.signal, end.wasForGroup)
  await background.wait()
  return status
}

type Spawn = (
  command: string,
  args: string[],
  options: { stdio: 'inherit'; env: NodeJS.ProcessEnv },
) => ChildProcess

/** On Windows `npm` and its like are scripts, which only cross-spawn starts with their arguments intact. */
async function spawner(): Promise<Spawn> {
  return process.platform === 'win32' ? (await import('cross-spawn')).default : spawn
}

async function endOf(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return exitStatus(child.exitCode, child.signalCode)
}

function notStarted(command: string, cause: Error): number {
  const isMissing = codeOf(cause) === 'ENOENT'
  const { message } = isMissing ? notFound(command, cause) : notExecutable(command, cause)
  const { red } = coloursFor(process.stderr)
  process.stderr.write(`${red('portslice:')} ${message}\n`)
  return isMissing ? NOT_FOUND : NOT_EXECUTABLE
}

function notFound(command: string, cause: Error): PortsliceError {
  if (!existsSync(process.env.PWD ?? '/')) {
    return new PortsliceError(
      'ERR_PORTSLICE_COMMAND',
      `${inspect(command)} cannot be run: the folder ${inspect(process.env.PWD)} has been deleted.`,
      { value: command, advice: 'Go to a folder that is there.', cause },
    )
  }
  const isPath = command.includes('/')
  return new PortsliceError('ERR_PORTSLICE_COMMAND', `There is no command ${inspect(command)}.`, {
    value: command,
    advice:
      isPath && existsSync(command)
        ? 'The file is there, but not the program that its first line (#!) names.'
        : isPath
          ? 'Look whether the path is right; it starts from the folder that you are in.'
          : "Install it, or name it with its path: it is not in the folders of $PATH. A command of the shell runs as: portslice run -- sh -c '…'",
    cause,
  })
}

function notExecutable(command: string, cause: Error): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_COMMAND',
    `${inspect(command)} cannot be run (${cause.message}).`,
    {
      value: command,
      advice:
        'Make it executable (chmod +x), or name the program that runs it, such as: portslice run -- sh FILE',
      cause,
    },
  )
}
