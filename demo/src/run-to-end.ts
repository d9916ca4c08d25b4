import { type Outcome, startNode } from 'portslice-test/support/process'

/** For test runners to close their workers and browsers. */
const GRACE_MS = 5000

export interface RunOptions {
  cwd: string
  env: Record<string, string>
  deadlineMs: number
  signal: AbortSignal
}

/**
 * Runs a script on this Node, and leaves nothing behind if it has to stop early.
 *
 * @throws the reason of `signal`, once all has ended
 */
export async function runToEnd(args: string[], options: RunOptions): Promise<Outcome> {
  const { cwd, env, deadlineMs, signal } = options
  signal.throwIfAborted()
  const run = startNode(args, { cwd, env, stdin: 'ignore', killDescendants: true })
  const stop = () => void run.stop(GRACE_MS)
  const timer = setTimeout(() => {
    run.stderr.add(`\nStopped: it had not ended after ${deadlineMs / 1000} s.\n`)
    stop()
  }, deadlineMs)
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
