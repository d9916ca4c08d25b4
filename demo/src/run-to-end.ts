import { type Outcome, startNode } from 'portslice-test/support/process'

/** For test runners to close their workers and browsers. */
const SIGINT_TIMEOUT_MS = 5000

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
export async function runToEnd(args: string[], options: RunOptions): Promise<Outcome> {
  const { cwd, env, timeout, signal } = options
  signal.throwIfAborted()
  const run = startNode(args, { cwd, env, stdin: 'ignore', killDescendants: true })
  const stop = () => void run.stop(SIGINT_TIMEOUT_MS)
  const timer = setTimeout(() => {
    run.stderr.add(`\nStopped: it had not ended after ${timeout / 1000} s.\n`)
    stop()
  }, timeout)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const outcome = await run.ended
    signal.throwIfAborted()
    return outcome
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
