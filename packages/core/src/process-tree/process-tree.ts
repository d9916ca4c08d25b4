/** What one start has become: a process, what it started, and what that left behind. */
import { deadlineIn, sleep } from '../real-time.js'
import { bearsMark } from './marker.js'
import {
  environmentOf,
  identityOfProcess,
  isRunning,
  type ProcessIdentity,
  type RunningProcess,
  runningProcesses,
} from './processes.js'

export interface EndOptions {
  /** What they are asked with. Default: `'SIGTERM'`. */
  signal?: NodeJS.Signals
  /** How long they have to end by themselves, in ms, before SIGKILL; 0: none. Default: 5000. */
  timeout?: number
}

const DEFAULT_TIMEOUT = 5000
/** SIGKILL is not refused, but a process that waits for a disk takes its time, in ms. */
const KILL_TIMEOUT = 5000
/** How often to look, in ms: most processes end at once when they are told to. */
const FIRST_LOOK = 5
const SLOWEST_LOOK = 100
/** How often to look at a tree that nobody ends, in ms. */
const SLOWEST_WATCH = 250

/**
 * The processes of one tree. On Linux these are all that bear its mark, also those that became
 * daemons or were left by their parents, all whom one of the tree has started, and all that
 * were found in it earlier. Elsewhere the mark cannot be read, and a process that was left by
 * its parents before it was ever seen is not found.
 *
 * A process that has cleared its environment and whose parent has gone is found if it was
 * seen before: call `processes()` once the tree has grown.
 *
 * @example
 * const marker = treeMarker()
 * const child = spawn('make', ['serve'], { env: { ...process.env, ...marker.env } })
 * const tree = new ProcessTree(marker.id, child.pid)
 * await tree.end({ timeout: 5000 })
 */
export class ProcessTree {
  readonly #id: string
  /** Found in the tree at the last look; the process it starts with, at first. */
  #known: readonly ProcessIdentity[]

  /**
   * @param id of the `treeMarker` whose `env` the first process was given
   * @param known the first process, or what `processes()` found in another process than this
   */
  constructor(id: string, known: number | readonly ProcessIdentity[] = []) {
    this.#id = id
    this.#known = typeof known === 'number' ? [identityOfProcess(known)] : known
  }

  /** All that run now; never this process itself. */
  async processes(): Promise<ProcessIdentity[]> {
    // While one look is taken, a process can start another and end, and neither be seen.
    const found = (await this.#look()) ?? (await this.#look()) ?? []
    this.#known = found
    return found
  }

  async #look(): Promise<ProcessIdentity[] | undefined> {
    const running = await runningProcesses()
    const known = new Map(this.#known.map(({ pid, startedAt }) => [pid, startedAt]))
    const children = new Map<number, RunningProcess[]>()
    for (const each of running) {
      children.set(each.parent, [...(children.get(each.parent) ?? []), each])
    }
    const found = new Map<number, ProcessIdentity>()
    const queue = running.filter(
      ({ pid, startedAt }) =>
        known.get(pid) === startedAt || bearsMark(environmentOf(pid), this.#id),
    )
    // A loop, as the queue grows while it is gone through.
    for (const { pid, startedAt } of queue) {
      if (found.has(pid) || pid === process.pid) continue
      found.set(pid, { pid, startedAt })
      queue.push(...(children.get(pid) ?? []))
    }
    return found.size > 0 ? [...found.values()] : undefined
  }

  /** Sends a signal to all that run now. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    for (const each of await this.processes()) send(each, signal)
  }

  /**
   * Ends all of it: asks each process once, and kills what is left after the time-out. What
   * is started meanwhile is ended as well.
   *
   * @returns what could not be ended: processes of other users, or stuck in the kernel
   */
  async end({
    signal = 'SIGTERM',
    timeout = DEFAULT_TIMEOUT,
  }: EndOptions = {}): Promise<ProcessIdentity[]> {
    const asked = new Set<string>()
    const polite = deadlineIn(timeout)
    const last = deadlineIn(timeout + KILL_TIMEOUT)
    try {
      for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_LOOK)) {
        const running = await this.processes()
        if (running.length === 0 || last.expired) return running
        for (const each of running) {
          const name = `${each.pid} ${each.startedAt}`
          if (polite.expired) send(each, 'SIGKILL')
          else if (!asked.has(name)) ask(each, signal)
          asked.add(name)
        }
        await sleep(wait)
      }
    } finally {
      polite.cancel()
      last.cancel()
    }
  }

  /**
   * Resolves when none of it is left.
   *
   * @throws the signal's reason when aborted
   */
  async untilGone({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_WATCH)) {
      signal?.throwIfAborted()
      // The whole machine need not be looked at as long as one of those known is there.
      if (!this.#known.some(isRunning) && (await this.processes()).length === 0) return
      await sleep(wait)
    }
  }
}

function ask(target: ProcessIdentity, signal: NodeJS.Signals): void {
  send(target, signal)
  // One that is stopped hears nothing until it goes on.
  if (process.platform !== 'win32') send(target, 'SIGCONT')
}

/** The process may have gone since it was seen, or not be ours to end. */
function send(target: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(target)) return
  try {
    process.kill(target.pid, signal)
  } catch {
    // As above: whether it has gone is looked at again.
  }
}
