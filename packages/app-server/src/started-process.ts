/** The first process of an app: started, and what becomes of it. */
import { type ChildProcess, spawn as spawnInShell } from 'node:child_process'
import { once } from 'node:events'
import { deadlineIn, sleep } from '@portslice/core/internal'
import { canListProcesses, ProcessTree, type TreeMarker } from '@portslice/process-tree'
import spawn from 'cross-spawn'
import { npmRunPathEnv } from 'npm-run-path'
import type { Output } from './output.js'

/** How the first process of an app ended. */
export interface Exit {
  status: number | null
  signal: NodeJS.Signals | null
  /** When it could not be started at all. */
  error?: NodeJS.ErrnoException
}

export interface Start {
  command: string | readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  marker: TreeMarker
  output: Output
}

/** Output that is yet to be read when a process has ended is there at once; ms. */
const LAST_OUTPUT = 1000

export class StartedProcess {
  readonly pid: number | undefined
  readonly tree: ProcessTree
  /** `undefined` while it runs. */
  exit: Exit | undefined
  readonly #closed: Promise<unknown>

  constructor({ command, cwd, env, marker, output }: Start) {
    const options = {
      cwd,
      env: { ...npmRunPathEnv({ env, cwd }), ...marker.env },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      // Else it stays in the group of the terminal, which has Ctrl-C for it.
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
      stream?.on('error', () => {}) // An app may close what it prints to.
      // An app that nobody has stopped keeps no process alive; it is ended after it.
      ;(stream as { unref?: () => void } | null)?.unref?.()
    }
    child.unref()
  }

  /** Waits until what it has printed before its end has been read. */
  async untilRead(): Promise<void> {
    const deadline = deadlineIn(LAST_OUTPUT)
    let isClosed = false
    void this.#closed.then(() => {
      isClosed = true
    })
    // A process of the tree that cannot be ended may keep the pipe open.
    while (!isClosed && !deadline.expired) await sleep(5)
  }
}
