/** One program, run to its end and that of all it has started. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { codeOf, inspect, PortsliceError, readProcessText, sanitize } from '@portslice/core/inspect'
import { type ProcessIdentity, ProcessTree, treeMarker } from '@portslice/core/process-tree'
import { coloursFor } from '../terminal/colours.js'
import { exitStatus, isInOurGroup, recipientOf, type SignalPassing } from './signals.js'

/** What shells answer for a program that is not there, and for one that cannot be run. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** Signals by which a program is told to end. */
const TO_END = new Set<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

/** What a program leaves usually ends at once; only what stays longer is told of. ms */
const QUIET = 1500
/** How often to look at the growing tree, in ms: at first often, as programs start others early. */
const FIRST_LOOK = 100
const SLOWEST_LOOK = 10_000

/**
 * Runs a program with this process' own stdin, stdout and stderr, in its process group.
 *
 * @returns its exit status, when all that it started has ended
 */
export async function runProgram(
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  signals: SignalPassing,
): Promise<number> {
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
    if (TO_END.has(signal)) end = { signal, wasForGroup }
    toFirst(signal, wasForGroup)
  })
  const stopLooking = lookFromTimeToTime(tree)
  const status = await endOf(child)
  stopLooking()
  // npm and its like end by a signal, and leave what they have started: it was meant to end, too.
  if (end) await passToRest(tree, end.signal, end.wasForGroup)
  signals.to((signal, wasForGroup) => void passToRest(tree, signal, wasForGroup))
  await untilRestHasGone(tree, command)
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

/** A process that clears its environment and is left by its parent is known only if it was seen before. */
function lookFromTimeToTime(tree: ProcessTree): () => void {
  let wait = FIRST_LOOK
  let timer: NodeJS.Timeout
  const next = () => {
    timer = setTimeout(async () => {
      await tree.processes()
      wait = Math.min(wait * 2, SLOWEST_LOOK)
      if (!isOver) next()
    }, wait)
    timer.unref()
  }
  let isOver = false
  next()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

async function passToRest(
  tree: ProcessTree,
  signal: NodeJS.Signals,
  wasForGroup: boolean,
): Promise<void> {
  for (const { pid } of await tree.processes()) {
    if (wasForGroup && isInOurGroup(pid)) continue
    try {
      process.kill(pid, signal)
    } catch {
      // It has gone meanwhile, or is another user's.
    }
  }
}

async function untilRestHasGone(tree: ProcessTree, command: string): Promise<void> {
  const timer = setTimeout(async () => {
    const rest = await tree.processes()
    if (rest.length > 0)
      say(
        `${inspect(command)} has ended; its ports stay out until what it left has, too: ${rest.map(nameOf).join(', ')}`,
      )
  }, QUIET)
  try {
    await tree.untilGone()
  } finally {
    clearTimeout(timer)
  }
}

function nameOf({ pid }: ProcessIdentity): string {
  const name = readProcessText(pid, 'comm')
  return name === undefined ? `pid ${pid}` : `pid ${pid} (${name.trim()})`
}

/** A line of the command's own, among those of the program. */
export function say(text: string): void {
  const { dim } = coloursFor(process.stderr)
  process.stderr.write(`${dim(`portslice: ${sanitize(text)}`)}\n`)
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
