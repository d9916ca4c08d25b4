import { type ChildProcess, spawn as spawnInShell } from 'node:child_process'
import { once } from 'node:events'
import { deadlineIn, sleep } from '@portslice/core/internal'
import { canListProcesses, ProcessTree, type TreeMarker } from '@portslice/process-tree'
import spawn from 'cross-spawn'
import { npmRunPathEnv } from 'npm-run-path'
import type { Output } from './output.js'

export interface Exit {
  status: number | null
  signal: NodeJS.Signals | null
  /** It could not be started. */
  error?: NodeJS.ErrnoException
}

export interface ProcessOptions {
  command: string | readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  marker: TreeMarker
  output: Output
}

/** How long to wait for the end of the output: another process may keep the pipe open. */
const MAX_OUTPUT_DELAY_MS = 1000

/** The first process of an app, and its output. */
export class StartedProcess {
  readonly pid: number | undefined
  readonly tree: ProcessTree
  /** `undefined` while it runs. */
  exit: Exit | undefined
  readonly #closed: Promise<unknown>

  constructor({ command, cwd, env, marker, output }: ProcessOptions) {
    const options = {
      cwd,
      env: { ...npmRunPathEnv({ env, cwd }), ...marker.env },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      // If not detached, the process stays in the group of the terminal and gets its Ctrl-C.
      detached: !canListProcesses(),
    }
    const child: ChildProcess =
      typeof command === 'string'
        ? spawnInShell(command, { ...options, shell: true })
        : spawn(command[0] as string, command.slice(1), options)
    this.pid = child.pid
    this.tree = new ProcessTree(marker.id, child)
    this.#closed = Promise.race([once(child, 'close'), once(child, 'error')]).catch(() => {})
    child.on('error', (error) => {
      this.exit ??= { status: null, signal: null, error }
    })
    child.on('exit', (status, signal) => {
      this.exit ??= { status, signal }
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => output.append(text))
      stream?.on('error', () => {}) // An app may close its output.
      // A running app must not keep this process alive.
      ;(stream as { unref?: () => void } | null)?.unref?.()
    }
    // Deno throws for a process that could not be started.
    if (child.pid !== undefined) child.unref()
  }

  /** Waits until all output has been read. Call after its exit. */
  async untilOutputRead(): Promise<void> {
    const deadline = deadlineIn(MAX_OUTPUT_DELAY_MS)
    let isClosed = false
    void this.#closed.then(() => {
      isClosed = true
    })
    while (!isClosed && !deadline.expired) await sleep(5)
  }
}
