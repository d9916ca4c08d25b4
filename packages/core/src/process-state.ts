/**
 * State that a process (or worker thread) has only once. Jest and the vm pools of vitest give every test file
 * its own modules and globals, so a module's state would lease a slice for each file. All of them share the
 * built-in modules, so the state is stored on one of these.
 */
import dgram from 'node:dgram'

/** Changes when copies of two versions of this package cannot share the state. */
const VERSION = 2

type StateName =
  | 'exit tasks'
  // By first port.
  | 'held slices'
  // Locks whose holder may be dead, and since when they have not changed.
  | 'watched locks'
  // By options.
  | 'allocators'
  // Of `takePort` and `claimPort`, by port.
  | 'leases'
  // Calls of `claimPort` that wait.
  | 'claims'
  | 'turns with slices'
  | 'turns with claims'
  // By environment variable.
  | 'named ports'
  // By host and URL of the coordinator.
  | 'remote hosts'
  | 'config files of named ports'
  | 'unknown network namespace'
  // Relative directories in environment variables, resolved when they were first read.
  | 'resolved directories'
  | 'warnings'
  | 'debug log'
  // State of a package built on this one.
  | `@portslice/${string}`

/** Returns state that this process (or thread) has only once; `make` creates it on first use. */
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

/** Runs a synchronous task when the process (or thread) exits, unless it is killed. @returns cancels the task */
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
