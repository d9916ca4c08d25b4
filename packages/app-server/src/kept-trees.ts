/** What this worker tells its keeper: which trees are to be ended should the worker die. */
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { processWide } from '@portslice/core/adapter'
import type { ProcessIdentity } from '@portslice/core/process-tree'

/** A line of the keeper's stdin, as JSON. */
export type KeeperMessage =
  | {
      /** The id of a tree. */
      keep: string
      /** What is known to be in it. */
      known: readonly ProcessIdentity[]
      /** ms between SIGTERM and SIGKILL. */
      timeout: number
    }
  | { forget: string }

type Kept = Extract<KeeperMessage, { keep: string }>

class Keeper {
  readonly #kept = new Map<string, Kept>()
  #process: ChildProcess | undefined

  /** Call before the tree is started, and again when more is known of it. */
  keep(tree: Kept): void {
    this.#kept.set(tree.keep, tree)
    if (this.#process) this.#tell(tree)
    else this.#start()
  }

  forget(id: string): void {
    this.#kept.delete(id)
    this.#tell({ forget: id })
  }

  #start(): void {
    const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.js', import.meta.url))], {
      // A session of its own: Ctrl-C and a closed terminal are for the worker.
      detached: true,
      // It is in nobody's way when a folder is removed or a disk is unmounted.
      cwd: path.parse(process.execPath).root,
      env: environment(),
      stdio: ['pipe', 'ignore', 'ignore'],
      windowsHide: true,
    })
    this.#process = keeper
    // Somebody may have killed it: the next app gets another one, which is told of all.
    const lost = () => {
      if (this.#process === keeper) this.#process = undefined
    }
    keeper.on('error', lost)
    keeper.on('exit', lost)
    keeper.stdin?.on('error', lost)
    keeper.unref()
    ;(keeper.stdin as { unref?: () => void } | null)?.unref?.()
    for (const each of this.#kept.values()) this.#tell(each)
  }

  #tell(message: KeeperMessage): void {
    this.#process?.stdin?.write(`${JSON.stringify(message)}\n`)
  }
}

/** What a runner preloads into its workers is not for the keeper. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env
  return env
}

/** One a process or thread, however often this package is loaded. */
export function keeper(): Keeper {
  return processWide('@portslice/app-server keeper 1', () => new Keeper())
}
