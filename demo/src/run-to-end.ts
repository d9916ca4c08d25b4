import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanEnvironment } from 'portslice-test/support/project'

/** For test runners to close their workers and browsers. */
const SIGINT_TIMEOUT_MS = 5000

export interface Ended {
  /** `null` when a signal ended it. */
  status: number | null
  /** stdout and stderr */
  output: string
}

export interface RunOptions {
  cwd: string
  env: Record<string, string>
  /** In ms. */
  timeout: number
  signal: AbortSignal
}

/**
 * Runs a script with this Node. All its processes have ended when the promise settles.
 *
 * @throws the reason of `signal`
 */
export async function runToEnd(args: string[], options: RunOptions): Promise<Ended> {
  const { cwd, env, timeout, signal } = options
  signal.throwIfAborted()
  // A new process group, so that workers can be ended with the runner.
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
    output += `\nStopped: it had not ended after ${timeout / 1000} s.\n`
    stop()
  }, timeout)
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

/** Sends SIGINT, then SIGKILL. */
async function stopGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  signalGroup(child, 'SIGINT')
  await Promise.race([ended, delay(SIGINT_TIMEOUT_MS, undefined, { ref: false })])
  signalGroup(child, 'SIGKILL')
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has ended.
  }
}
