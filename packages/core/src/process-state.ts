/**
 * What this process (or worker thread) has only one of, however often this package is loaded.
 *
 * Jest and vitest's vm pools give every test file a module registry and globals of its own in
 * one long-lived process; state in a module would lease another slice for each file. The
 * built-in modules are the same in all of them, so the state hangs on one of those.
 */
import dgram from 'node:dgram'

/**
 * Something that this process (or thread) has only one of. Made on first use.
 *
 * @param name with the package and a version of what it stands for: copies of another version
 *   keep their own
 * @param make makes it
 */
export function processWide<T extends object>(name: string, make: () => T): T {
  const host = dgram as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name)
  host[key] ??= make()
  return host[key] as T
}

interface ExitTasks {
  readonly tasks: Set<() => void>
  listener?: () => void
}

/** What to do when the process ends by itself. */
export function exitTasks(): ExitTasks {
  return processWide<ExitTasks>('@portslice/core exit tasks 1', () => ({ tasks: new Set() }))
}

/**
 * Runs `task`, which must not wait for anything, when the process (or thread) ends by itself.
 * All tasks of all copies of this package share one listener.
 *
 * @returns takes it back
 */
export function atProcessExit(task: () => void): () => void {
  const state = exitTasks()
  if (!state.listener) {
    state.listener = () => {
      for (const each of state.tasks) {
        try {
          each()
        } catch {
          // The others are to have their turn, and the process its exit status.
        }
      }
    }
    process.on('exit', state.listener)
  }
  state.tasks.add(task)
  return () => state.tasks.delete(task)
}
