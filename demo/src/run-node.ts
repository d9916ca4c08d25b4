import { type Outcome, startNode } from 'portslice-test/support/process'

/** How long a test runner may take to close its workers and browsers. */
const SIGINT_TIMEOUT_MS = 5000

export interface RunOptions {
  cwd: string
  env: Record<string, string>
  timeoutMs: number
  signal: AbortSignal
}

/**
 * Runs a script with this Node. When the promise settles, all processes of the script have ended.
 *
 * @throws the reason of `signal`
 */
export async function runNode(args: string[], options: RunOptions): Promise<Outcome> {
  const { cwd, env, timeoutMs, signal } = options
  signal.throwIfAborted()
  const run = startNode(args, { cwd, env, stdin: 'ignore', killDescendants: true })
  const stop = () => void run.stop(SIGINT_TIMEOUT_MS)
  const timer = setTimeout(() => {
    run.stderr.add(`\nStopped: it had not ended after ${timeoutMs / 1000} s.\n`)
    stop()
  }, timeoutMs)
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
