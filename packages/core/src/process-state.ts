/**
 * What this process (or worker thread) has only one of, however often this package is loaded.
 *
 * Jest and vitest's vm pools give every test file a module registry and globals of its own in
 * one long-lived process; state in a module would lease another slice for each file. The
 * built-in modules are the same in all of them, so the state hangs on one of those.
 */
import dgram from 'node:dgram'

/** All of it. The version changes when copies of two versions could not share the value. */
const VERSION = 2
const ONE_OF = {
  /** What is to be done when the process ends. */
  'exit tasks': true,
  /** The slices that this process holds, by their first ports. */
  'held slices': true,
  /** Locks of unclear origin, and since when they have stayed as they are. */
  'watched locks': true,
  /** The allocators that all copies of this package share, by their options. */
  allocators: true,
  /** The leases that `takePort` and `claimPort` gave, by port. */
  leases: true,
  /** The calls of `claimPort` that wait. */
  claims: true,
  /** The turns that this process has with what other processes wait for. */
  'turns with slices': true,
  'turns with claims': true,
  /** What `namedPort` gave, by environment variable. */
  'named ports': true,
  /** The name of a network namespace that cannot be read. */
  'unknown network namespace': true,
  /** Relative directories of environment variables, as they were meant at first. */
  'resolved directories': true,
  /** The lock directories that the user has been warned of. */
  warnings: true,
} as const

/**
 * Something that this process (or thread) has only one of. Made on first use.
 *
 * @param name what it is; a package on top of this one gives a name of its own
 * @param make makes it
 */
export function processWide<T extends object>(
  name: keyof typeof ONE_OF | `@portslice/${string}`,
  make: () => T,
): T {
  const host = dgram as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name.startsWith('@') ? name : `@portslice/core ${name} ${VERSION}`)
  host[key] ??= make()
  return host[key] as T
}

interface ExitTasks {
  readonly tasks: Set<() => void>
  listener?: () => void
}

/** What to do when the process ends by itself. */
export function exitTasks(): ExitTasks {
  return processWide<ExitTasks>('exit tasks', () => ({ tasks: new Set() }))
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
