/** Runs a script on this Node, and leaves nothing of it behind when it has to stop early. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanEnvironment } from 'portslice-test/support/project'

/** ms that test runners get to close their workers and browsers. */
const GRACE = 5000

export interface Ended {
  /** `null` when a signal ended it. */
  status: number | null
  /** What it wrote to stdout and stderr. */
  output: string
}

export interface RunOptions {
  cwd: string
  env: Record<string, string>
  /** ms; it is stopped then. */
  deadline: number
  signal: AbortSignal
}

/** @throws the reason of `signal`, once all has ended */
export async function runToEnd(args: string[], options: RunOptions): Promise<Ended> {
  const { cwd, env, deadline, signal } = options
  signal.throwIfAborted()
  // A process group of its own, so that the runner's workers can be ended with it.
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  const stop = () => stopGroup(child, ended)
  const late = setTimeout(() => {
    output += `\nStopped: it had not ended after ${deadline / 1000} s.\n`
    stop()
  }, deadline)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const status = await ended
    signal.throwIfAborted()
    return { status, output }
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', stop)
  }
}

/** As Ctrl-C in a terminal does, then by force. */
async function stopGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  signalGroup(child, 'SIGINT')
  await Promise.race([ended, delay(GRACE, undefined, { ref: false })])
  signalGroup(child, 'SIGKILL')
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // All of the group has ended already.
  }
}
