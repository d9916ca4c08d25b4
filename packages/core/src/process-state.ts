/**
 * What this process (or worker thread) has only one of, however often this package is loaded.
 *
 * Jest and vitest's vm pools give every test file a module registry and globals of its own in
 * one long-lived process; state in a module would lease another slice for each file. The
 * built-in modules are the same in all of them, so the state hangs on one of those.
 */
import dgram from 'node:dgram'
import type { Allocator } from './allocator/allocator.js'
import type { PortLease } from './allocator/lease.js'
import type { Queue } from './allocator/queue.js'

export interface ProcessState {
  /** By their settings: see `sharedAllocator`. */
  readonly allocators: Map<string, Promise<Allocator>>
  /** The one that `takePort` uses. */
  defaultAllocator?: Promise<Allocator>
  /** What `takePort` handed out, by port. */
  readonly taken: Map<number, PortLease[]>
  /** What `namedPort` is handing out or has, by name. */
  readonly named: Map<string, Promise<number>>
  /** The calls of `claimPort` that wait, in the order they were made, each with its ports. */
  readonly claims: Set<readonly number[]>
  /** In which they look whether they can have one, one after the other. */
  claimTurns?: Queue
  /** What has been warned of. */
  readonly warned: Set<string>
  /** What to do when the process ends by itself. */
  readonly atExit: Set<() => void>
  exitListener?: () => void
}

/** The number counts versions of `ProcessState`: copies of another version keep their own. */
const KEY = Symbol.for('@portslice/core process state 1')

export function processState(): ProcessState {
  const host = dgram as typeof dgram & { [KEY]?: ProcessState }
  host[KEY] ??= {
    allocators: new Map(),
    taken: new Map(),
    named: new Map(),
    claims: new Set(),
    warned: new Set(),
    atExit: new Set(),
  }
  return host[KEY]
}

/**
 * Runs `task`, which must not wait for anything, when the process (or thread) ends by itself.
 * All tasks of all copies of this package share one listener.
 *
 * @returns takes it back
 */
export function atProcessExit(task: () => void): () => void {
  const state = processState()
  if (!state.exitListener) {
    state.exitListener = () => {
      for (const each of state.atExit) {
        try {
          each()
        } catch {
          // The others are to have their turn, and the process its exit status.
        }
      }
    }
    process.on('exit', state.exitListener)
  }
  state.atExit.add(task)
  return () => state.atExit.delete(task)
}

/**
 * Something else that this process (or thread) has only one of, for the packages around this
 * one. Made on first use.
 *
 * @param name with the package and a version of what it stands for
 * @param make makes it
 */
export function processWide<T extends object>(name: string, make: () => T): T {
  const host = dgram as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name)
  host[key] ??= make()
  return host[key] as T
}
