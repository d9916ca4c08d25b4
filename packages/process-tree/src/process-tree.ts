import type { ChildProcess } from 'node:child_process'
import {
  clearTimeout,
  deadlineIn,
  isListening,
  listeningSockets,
  openFilesOf,
  setTimeout,
  sleep,
  system,
} from '@portslice/core/internal'
import { hasTreeId } from './marker.js'
import { ProcessGroup } from './process-group.js'
import {
  canListProcesses,
  environmentOf,
  hasNoEnvironment,
  identityOfProcess,
  isRunning,
  listProcesses,
  type Processes,
  type ProcessIdentity,
  type RunningProcess,
  startTimeOf,
} from './processes.js'

export interface EndOptions {
  signal?: NodeJS.Signals
  /** In ms, before SIGKILL. Default: 5000. */
  timeout?: number
}

export interface WatchOptions {
  /** In ms. Default: 10 000. */
  maxPollInterval?: number
  /** Called after the first check, and when the processes change. */
  onChange?: (known: readonly ProcessIdentity[]) => void
}

const DEFAULT_TIMEOUT_MS = 5000
/** Short at first, because programs start their children early. */
const FIRST_WATCH_INTERVAL_MS = 100
const MAX_WATCH_INTERVAL_MS = 10_000
/** A process that waits for a disk needs time to end after SIGKILL. */
const KILL_TIMEOUT_MS = 5000
const FIRST_POLL_INTERVAL_MS = 5
const MAX_END_POLL_INTERVAL_MS = 100
const MAX_GONE_POLL_INTERVAL_MS = 250
/** During `execve` a process shows no environment, on a busy machine for several scans. */
const MAX_UNCLEAR_SCANS = 4
const MAX_SCANS = 20

/**
 * A process and its descendants. On Linux, daemons and orphans are found by an environment variable, unless they
 * clear it before they are seen. On other systems, an orphan must be seen before its parent ends. So call
 * `processes()` or `watch()` early. On Linux without the /proc of this PID namespace, only the first process and
 * its process group are known: start it with `detached: !canListProcesses()`.
 */
export class ProcessTree {
  readonly #id: string
  /** Older processes do not belong to the tree. 0 if unknown. */
  readonly #since: number
  #known: readonly ProcessIdentity[]
  readonly #groups: readonly ProcessGroup[] | undefined

  constructor(id: string, known: ChildProcess | readonly ProcessIdentity[] = []) {
    this.#id = id
    const child = isChild(known) ? known : undefined
    this.#since = child?.pid === undefined ? 0 : startTimeOf(child.pid)
    this.#known = isChild(known) ? identitiesOfChild(known) : known
    if (canListProcesses()) return
    const pids = new Set(this.#known.map(({ pid }) => pid))
    this.#groups = [...pids].map((pid) => new ProcessGroup(pid, child))
  }

  /** The result of the last scan. */
  get known(): readonly ProcessIdentity[] {
    return this.#known
  }

  /** Adds processes that another process has found in the same tree. No effect if processes cannot be listed. */
  addKnown(found: readonly ProcessIdentity[]): void {
    if (this.#groups) return
    const keys = new Set(this.#known.map(keyOf))
    this.#known = [...this.#known, ...found.filter((each) => !keys.has(keyOf(each)))]
  }

  /** The running processes of the tree, except for this process. */
  async processes(): Promise<ProcessIdentity[]> {
    if (this.#groups) {
      const running = this.#groups.filter((group) => group.isRunning())
      this.#known = running.map(({ pid }) => ({ pid, startedAt: '' }))
      return [...this.#known]
    }
    // A process that ends or calls `execve` meanwhile hides its environment and its new children, so an empty
    // result counts only after another scan.
    let unclearScans = new Map<string, number>()
    for (let scan = 1; ; scan++) {
      const { found, unclear } = this.#scan(await listProcesses())
      if (found.length > 0 || scan === MAX_SCANS) {
        this.#known = found
        return found
      }
      unclearScans = new Map(unclear.map((key) => [key, (unclearScans.get(key) ?? 0) + 1]))
      // A process that stays unclear has an empty environment and does not belong to the tree.
      if (scan > 1 && [...unclearScans.values()].every((scans) => scans > MAX_UNCLEAR_SCANS)) {
        this.#known = []
        return []
      }
      if (unclear.length > 0) await sleep(FIRST_POLL_INTERVAL_MS)
    }
  }

  #scan({ running, hidden, ended }: Processes): { found: ProcessIdentity[]; unclear: string[] } {
    const known = new Map(this.#known.map(({ pid, startedAt }) => [pid, startedAt]))
    const children = new Map<number, RunningProcess[]>()
    const unclear = ended.filter((each) => !this.#isOlder(each)).map(({ pid }) => String(pid))
    const queue: RunningProcess[] = []
    for (const each of running) {
      const { pid, parent, startedAt } = each
      if (this.#isOlder(each)) continue
      children.set(parent, [...(children.get(parent) ?? []), each])
      const environment = environmentOf(pid)
      if (isSameStart(known.get(pid), startedAt) || hasTreeId(environment, this.#id))
        queue.push(each)
      else if (environment === '' && !hasNoEnvironment(each)) unclear.push(`${pid} ${startedAt}`)
    }
    const found = new Map<number, ProcessIdentity>()
    for (const [pid, startedAt] of known) if (hidden.has(pid)) found.set(pid, { pid, startedAt })
    for (const { pid, startedAt } of queue) {
      if (found.has(pid) || pid === process.pid) continue
      found.set(pid, { pid, startedAt })
      // On Windows an orphan keeps the pid of its dead parent, and one of our processes may have reused that pid.
      queue.push(
        ...(children.get(pid) ?? []).filter((each) => !isEarlier(each.startedAt, startedAt)),
      )
    }
    return { found: [...found.values()], unclear }
  }

  #isOlder({ startedAt }: ProcessIdentity): boolean {
    return startedAt !== '' && Number(startedAt) < this.#since
  }

  /** `others`: also servers that work for the tree (a Docker daemon). `unknown`: the listening process is hidden. */
  async listenerOn(port: number): Promise<'none' | 'tree' | 'others' | 'unknown'> {
    const sockets = await listeningSockets()
    if (!sockets) return (await isListening(port)) ? 'unknown' : 'none'
    const listeners = new Set(sockets.filter((each) => each.port === port).map(({ file }) => file))
    if (listeners.size === 0) return 'none'
    if (!canListProcesses()) return 'unknown'
    return (await this.#openFiles()).some((file) => listeners.has(file)) ? 'tree' : 'others'
  }

  /** The ports that the tree listens on, ascending. Empty if processes cannot be listed. */
  async listeningPorts(): Promise<number[]> {
    const [sockets = [], files] = [await listeningSockets(), new Set(await this.#openFiles())]
    const ports = sockets.filter(({ file }) => files.has(file)).map(({ port }) => port)
    return [...new Set(ports)].sort((a, b) => a - b)
  }

  async #openFiles(): Promise<string[]> {
    return (await this.processes()).flatMap(({ pid }) => openFilesOf(pid))
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    for (const each of await this.processes()) this.#send(each, signal)
  }

  /**
   * Signals each process once, kills the rest after the timeout, and also ends those that start meanwhile.
   *
   * @returns the processes that still run: of other users, or blocked in the kernel
   */
  async end({
    signal = 'SIGTERM',
    timeout = DEFAULT_TIMEOUT_MS,
  }: EndOptions = {}): Promise<ProcessIdentity[]> {
    const asked = new Set<string>()
    const killTime = deadlineIn(timeout)
    const deadline = deadlineIn(timeout + KILL_TIMEOUT_MS)
    for (let wait = FIRST_POLL_INTERVAL_MS; ; wait = Math.min(wait * 2, MAX_END_POLL_INTERVAL_MS)) {
      const running = await this.processes()
      if (running.length === 0 || deadline.expired) return running
      for (const each of running) {
        const key = keyOf(each)
        if (killTime.expired) this.#send(each, 'SIGKILL')
        else if (!asked.has(key)) this.#ask(each, signal)
        asked.add(key)
      }
      await sleep(wait)
    }
  }

  /**
   * Finds processes before they clear their environment or lose their parent. Does not keep this process
   * running.
   *
   * @returns a function that stops the scans
   */
  watch({ maxPollInterval = MAX_WATCH_INTERVAL_MS, onChange }: WatchOptions = {}): () => void {
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    let reported = ''
    const poll = async () => {
      const known = await this.processes()
      const keys = known.map(keyOf).join()
      if (isStopped || keys === reported) return
      reported = keys
      onChange?.(known)
    }
    const pollAfter = (wait: number) => {
      timer = setTimeout(async () => {
        // The machine may be out of file descriptors: the next check tries again.
        await poll().catch(() => {})
        if (!isStopped) pollAfter(Math.min(wait * 2, maxPollInterval))
      }, wait)
      timer.unref()
    }
    pollAfter(FIRST_WATCH_INTERVAL_MS)
    return () => {
      isStopped = true
      clearTimeout(timer)
    }
  }

  async untilGone({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    for (
      let wait = FIRST_POLL_INTERVAL_MS;
      ;
      wait = Math.min(wait * 2, MAX_GONE_POLL_INTERVAL_MS)
    ) {
      signal?.throwIfAborted()
      const isKnownRunning = !this.#groups && this.#known.some(isRunning)
      if (!isKnownRunning && (await this.processes()).length === 0) return
      await sleep(wait)
    }
  }

  #ask(target: ProcessIdentity, signal: NodeJS.Signals): void {
    this.#send(target, signal)
    // A stopped process handles signals only after SIGCONT.
    if (system.hasSignals) this.#send(target, 'SIGCONT')
  }

  #send(target: ProcessIdentity, signal: NodeJS.Signals): void {
    if (this.#groups) {
      this.#groups.find(({ pid }) => pid === target.pid)?.send(signal)
      return
    }
    if (!isRunning(target)) return
    try {
      process.kill(target.pid, signal)
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}

function isChild(known: ChildProcess | readonly ProcessIdentity[]): known is ChildProcess {
  return 'pid' in known
}

/** An unknown start (an empty string) matches any. `undefined` means that the process is not known. */
function isSameStart(one: string | undefined, other: string): boolean {
  return one !== undefined && (one === other || one === '' || other === '')
}

function isEarlier(one: string, other: string): boolean {
  return one !== '' && other !== '' && Number(one) < Number(other)
}

function keyOf({ pid, startedAt }: ProcessIdentity): string {
  return `${pid} ${startedAt}`
}

function identitiesOfChild({ pid }: ChildProcess): readonly ProcessIdentity[] {
  return pid === undefined ? [] : [identityOfProcess(pid)]
}
