/** What one start has become: a process, what it started, and what that left behind. */

import type { ChildProcess } from 'node:child_process'
import {
  clearTimeout,
  deadlineIn,
  isListening,
  listeningSockets,
  openFilesOf,
  setTimeout,
  sleep,
} from '@portslice/core/internal'
import { bearsMark } from './marker.js'
import { ProcessGroup } from './process-group.js'
import {
  canListProcesses,
  environmentOf,
  identityOfProcess,
  isPartOfKernel,
  isRunning,
  type Processes,
  type ProcessIdentity,
  type RunningProcess,
  runningProcesses,
  startOf,
} from './processes.js'

/** How a tree is ended. */
export interface EndOptions {
  /** What they are asked with. Default: `'SIGTERM'`. */
  signal?: NodeJS.Signals
  /** How long they have to end by themselves, in ms, before SIGKILL; 0: none. Default: 5000. */
  timeout?: number
}

/** How a tree is watched. */
export interface WatchOptions {
  /** The longest pause between two looks, in ms. Default: 10 000. */
  slowestPoll?: number
  /**
   * Called after the first look, and when another one found other processes.
   *
   * @param known what was found
   */
  onChange?: (known: readonly ProcessIdentity[]) => void
}

const DEFAULT_TIMEOUT = 5000
/** How often to look at a tree that is watched: at first often, as programs start others early. */
const FIRST_POLL_MS = 100
const SLOWEST_POLL_MS = 10_000
/** SIGKILL is not refused, but a process that waits for a disk takes its time, in ms. */
const KILL_TIMEOUT = 5000
/** How often to look, in ms: most processes end at once when they are told to. */
const FIRST_LOOK = 5
const SLOWEST_LOOK = 100
/** A process is between two programs for a moment, or for some on a busy machine. */
const LOOKS_IN_DOUBT = 4
/** Where processes come and go all the time, there is always some doubt. */
const MOST_LOOKS = 20
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
 * On Linux without a /proc of its own PID namespace, only the first process is known, and its
 * process group if it leads one: start it with `detached: !canListProcesses()`.
 *
 * @example
 * const marker = treeMarker()
 * const child = spawn('make', ['serve'], {
 *   env: { ...process.env, ...marker.env },
 *   detached: !canListProcesses(),
 * })
 * const tree = new ProcessTree(marker.id, child)
 * await tree.end({ timeout: 5000 })
 */
export class ProcessTree {
  readonly #id: string
  /** When its first process was started: what is older is no part of it. 0 where that is not known. */
  readonly #since: number
  /** Found in the tree at the last look; the process it starts with, at first. */
  #known: readonly ProcessIdentity[]
  /** All that is known of the tree where processes cannot be listed. */
  readonly #groups: readonly ProcessGroup[] | undefined

  /**
   * For a tree that has been started, or is about to be.
   *
   * @param id of the `treeMarker` whose `env` the first process was given
   * @param known the first process, or what `processes()` found in another process than this
   */
  constructor(id: string, known: ChildProcess | readonly ProcessIdentity[] = []) {
    this.#id = id
    const child = isChild(known) ? known : undefined
    this.#since = child?.pid === undefined ? 0 : startOf(child.pid)
    this.#known = isChild(known) ? identitiesOfChild(known) : known
    if (canListProcesses()) return
    const pids = new Set(this.#known.map(({ pid }) => pid))
    this.#groups = [...pids].map((pid) => new ProcessGroup(pid, child))
  }

  /** What was found at the last look; the first process before there was one. */
  get known(): readonly ProcessIdentity[] {
    return this.#known
  }

  /**
   * Adds what another process has found in the same tree. Changes nothing where processes cannot be
   * listed: there the first process and its group are all that is known.
   *
   * @param found by `processes()` of a tree with the same id
   */
  addKnown(found: readonly ProcessIdentity[]): void {
    if (this.#groups) return
    const names = new Set(this.#known.map(nameOf))
    this.#known = [...this.#known, ...found.filter((each) => !names.has(nameOf(each)))]
  }

  /** All that run now; never this process itself. */
  async processes(): Promise<ProcessIdentity[]> {
    if (this.#groups) {
      const running = this.#groups.filter((group) => group.isRunning())
      this.#known = running.map(({ pid }) => ({ pid, startedAt: '' }))
      return [...this.#known]
    }
    // A process that ends, or becomes another program, while it is looked at shows no mark, and
    // what it has started in that moment is not seen: then nobody found does not mean nobody there.
    let doubts = new Map<string, number>()
    for (let look = 1; ; look++) {
      const { found, doubtful } = this.#look(await runningProcesses())
      if (found.length > 0 || look === MOST_LOOKS) {
        this.#known = found
        return found
      }
      doubts = new Map(doubtful.map((name) => [name, (doubts.get(name) ?? 0) + 1]))
      // Those that stay as they are have no environment, and are no part of it.
      if (look > 1 && [...doubts.values()].every((looks) => looks > LOOKS_IN_DOUBT)) {
        this.#known = []
        return []
      }
      if (doubtful.length > 0) await sleep(FIRST_LOOK)
    }
  }

  #look({ running, hidden, gone }: Processes): { found: ProcessIdentity[]; doubtful: string[] } {
    const known = new Map(this.#known.map(({ pid, startedAt }) => [pid, startedAt]))
    const children = new Map<number, RunningProcess[]>()
    const doubtful = gone.filter((each) => !this.#isOlder(each)).map(({ pid }) => String(pid))
    const queue: RunningProcess[] = []
    for (const each of running) {
      const { pid, parent, startedAt } = each
      if (this.#isOlder(each)) continue
      children.set(parent, [...(children.get(parent) ?? []), each])
      const environment = environmentOf(pid)
      if (known.get(pid) === startedAt || bearsMark(environment, this.#id)) queue.push(each)
      else if (environment === '' && !isPartOfKernel(each)) doubtful.push(`${pid} ${startedAt}`)
    }
    const found = new Map<number, ProcessIdentity>()
    for (const [pid, startedAt] of known) if (hidden.has(pid)) found.set(pid, { pid, startedAt })
    // A loop, as the queue grows while it is gone through.
    for (const { pid, startedAt } of queue) {
      if (found.has(pid) || pid === process.pid) continue
      found.set(pid, { pid, startedAt })
      queue.push(...(children.get(pid) ?? []))
    }
    return { found: [...found.values()], doubtful }
  }

  #isOlder({ startedAt }: ProcessIdentity): boolean {
    return startedAt !== '' && Number(startedAt) < this.#since
  }

  /**
   * Who listens on a port: nobody, one of the tree, or others, be they a stranger or a server
   * that works for the tree (of containers, for example). `somebody`: which process it is cannot
   * be told, as elsewhere than on Linux.
   *
   * @param port 1 to 65535
   */
  async listenerOn(port: number): Promise<'nobody' | 'tree' | 'others' | 'somebody'> {
    const sockets = await listeningSockets()
    if (!sockets) return (await isListening(port)) ? 'somebody' : 'nobody'
    const there = new Set(sockets.filter((each) => each.port === port).map(({ file }) => file))
    if (there.size === 0) return 'nobody'
    if (!canListProcesses()) return 'somebody'
    return (await this.#openFiles()).some((file) => there.has(file)) ? 'tree' : 'others'
  }

  /** The ports on which the tree listens, ascending; none where processes cannot be listed. */
  async listeningPorts(): Promise<number[]> {
    const [sockets = [], files] = [await listeningSockets(), new Set(await this.#openFiles())]
    const ports = sockets.filter(({ file }) => files.has(file)).map(({ port }) => port)
    return [...new Set(ports)].sort((a, b) => a - b)
  }

  async #openFiles(): Promise<string[]> {
    return (await this.processes()).flatMap(({ pid }) => openFilesOf(pid))
  }

  /**
   * Sends a signal to all that run now.
   *
   * @param signal such as `'SIGTERM'`
   */
  async signal(signal: NodeJS.Signals): Promise<void> {
    for (const each of await this.processes()) this.#send(each, signal)
  }

  /**
   * Ends all of it: asks each process once, and kills what is left after the time-out. What
   * is started meanwhile is ended as well.
   *
   * @param options with what, and how long they have
   * @returns what could not be ended: processes of other users, or stuck in the kernel
   */
  async end({
    signal = 'SIGTERM',
    timeout = DEFAULT_TIMEOUT,
  }: EndOptions = {}): Promise<ProcessIdentity[]> {
    const asked = new Set<string>()
    const polite = deadlineIn(timeout)
    const last = deadlineIn(timeout + KILL_TIMEOUT)
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_LOOK)) {
      const running = await this.processes()
      if (running.length === 0 || last.expired) return running
      for (const each of running) {
        const name = nameOf(each)
        if (polite.expired) this.#send(each, 'SIGKILL')
        else if (!asked.has(name)) this.#ask(each, signal)
        asked.add(name)
      }
      await sleep(wait)
    }
  }

  /**
   * Looks at the tree from time to time. A process that clears its environment and is left by its
   * parent later is known by then. Keeps no process alive.
   *
   * @param options how often, and what to do about changes
   * @returns ends the watch
   */
  watch({ slowestPoll = SLOWEST_POLL_MS, onChange }: WatchOptions = {}): () => void {
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    let told = ''
    const poll = async () => {
      const known = await this.processes()
      const names = namesOf(known)
      if (isOver || names === told) return
      told = names
      onChange?.(known)
    }
    const pollAfter = (wait: number) => {
      timer = setTimeout(async () => {
        // The machine may be out of descriptors: there is another look.
        await poll().catch(() => {})
        if (!isOver) pollAfter(Math.min(wait * 2, slowestPoll))
      }, wait)
      timer.unref()
    }
    pollAfter(FIRST_POLL_MS)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }

  /**
   * Resolves when none of it is left.
   *
   * @param options `signal` ends the wait
   * @throws the signal's reason when aborted
   */
  async untilGone({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_WATCH)) {
      signal?.throwIfAborted()
      // The whole machine need not be looked at as long as one of those known is there.
      const isKnownRunning = !this.#groups && this.#known.some(isRunning)
      if (!isKnownRunning && (await this.processes()).length === 0) return
      await sleep(wait)
    }
  }

  #ask(target: ProcessIdentity, signal: NodeJS.Signals): void {
    this.#send(target, signal)
    // One that is stopped hears nothing until it goes on.
    if (process.platform !== 'win32') this.#send(target, 'SIGCONT')
  }

  /** The process may have gone since it was seen, or not be ours to end. */
  #send(target: ProcessIdentity, signal: NodeJS.Signals): void {
    if (this.#groups) {
      this.#groups.find(({ pid }) => pid === target.pid)?.send(signal)
      return
    }
    if (!isRunning(target)) return
    try {
      process.kill(target.pid, signal)
    } catch {
      // As above: whether it has gone is looked at again.
    }
  }
}

function isChild(known: ChildProcess | readonly ProcessIdentity[]): known is ChildProcess {
  return 'pid' in known
}

function namesOf(processes: readonly ProcessIdentity[]): string {
  return processes.map(nameOf).join()
}

function nameOf({ pid, startedAt }: ProcessIdentity): string {
  return `${pid} ${startedAt}`
}

/** None of one that could not be started. */
function identitiesOfChild({ pid }: ChildProcess): readonly ProcessIdentity[] {
  return pid === undefined ? [] : [identityOfProcess(pid)]
}
