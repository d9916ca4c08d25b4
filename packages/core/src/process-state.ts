/**
 * State that a process (or worker thread) has only once, however often this package is loaded.
 *
 * Jest and the vm pools of vitest give every test file its own module registry and globals in
 * one long-lived process, so state in a module would lease another slice for each file. They all
 * share the built-in modules, so the state is stored on one of those.
 */
import dgram from 'node:dgram'

/** Changes when copies of two versions of this package cannot share the state. */
const VERSION = 2

type StateName =
  /** What runs when the process ends. */
  | 'exit tasks'
  /** The slices that this process holds, by first port. */
  | 'held slices'
  /** Locks whose holder may be dead, and since when they have not changed. */
  | 'watched locks'
  /** The allocators shared by all copies of this package, by options. */
  | 'allocators'
  /** The leases of `takePort` and `claimPort`, by port. */
  | 'leases'
  /** The calls of `claimPort` that wait. */
  | 'claims'
  /** The `Turns` of this process with slices and with claimed ports. */
  | 'turns with slices'
  | 'turns with claims'
  /** The ports of `namedPort`, by environment variable. */
  | 'named ports'
  /** The connections to coordinators, by host and URL. */
  | 'remote hosts'
  /** The config file that first named a port, by environment variable. */
  | 'config files of named ports'
  /** The name of a network namespace that cannot be read. */
  | 'unknown network namespace'
  /** Relative directories in environment variables, resolved when they were first read. */
  | 'resolved directories'
  /** The lock directories about which the user has been warned. */
  | 'warnings'
  /** Whether `$NODE_DEBUG` is obeyed already. */
  | 'debug log'
  /** State of a package built on this one. */
  | `@portslice/${string}`

/** Returns state that this process (or thread) has only once; `make` makes it on first use. */
export function processWide<T extends object>(name: StateName, make: () => T): T {
  const host = dgram as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name.startsWith('@') ? name : `@portslice/core ${name} ${VERSION}`)
  host[key] ??= make()
  return host[key] as T
}

interface ExitTasks {
  readonly tasks: Set<() => void>
  listener?: () => void
}

export function exitTasks(): ExitTasks {
  return processWide<ExitTasks>('exit tasks', () => ({ tasks: new Set() }))
}

/**
 * Runs a synchronous task when the process (or thread) exits, unless it is killed. All copies of
 * this package share one listener.
 *
 * @returns removes the task
 */
export function atProcessExit(task: () => void): () => void {
  const state = exitTasks()
  if (!state.listener) {
    state.listener = () => {
      for (const each of state.tasks) {
        try {
          each()
        } catch {
          // The other tasks still run, and the exit status stays the same.
        }
      }
    }
    process.on('exit', state.listener)
  }
  state.tasks.add(task)
  return () => state.tasks.delete(task)
}
