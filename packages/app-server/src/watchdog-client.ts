import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { deadlineIn, processWide } from '@portslice/core/internal'
import type { ProcessIdentity, ProcessTree } from '@portslice/process-tree'
import { type Observation, observe, type Query } from './observe.js'
import { isSingleExecutable, watchdogCommand } from './watchdog-command.js'
import { type Command, parseReport, type Report, type WatchRequest } from './watchdog-protocol.js'

/** The source of the watchdog, inserted by the build. */
declare const WATCHDOG_SOURCE: string

/** A start takes 100 ms. A process that does not answer in this time is not a watchdog. */
const START_TIMEOUT_MS = 60_000
/** If the watchdog is killed more often, the user does not want it. */
const MAX_RESTARTS = 10
const MAX_STDERR_LENGTH = 500

/** `unusable`: the watchdog cannot run here, and is not started again. */
type Status = 'absent' | 'starting' | 'up' | 'unusable'

class WatchdogClient {
  readonly #trees = new Map<string, WatchRequest>()
  readonly #pending = new Map<number, (observation: Observation | undefined) => void>()
  #requests = 0
  #status: Status = 'absent'
  #startDeadline = deadlineIn(START_TIMEOUT_MS)
  #process: ChildProcess | undefined
  #stderr = ''
  #restarts = 0

  /** If not, this process must watch the trees. */
  get isUsable(): boolean {
    return this.#status !== 'unusable'
  }

  /** Call before the first process of a tree starts, and again when more of its processes are known. */
  watch(tree: WatchRequest): void {
    const known = [...this.known(tree.watch), ...tree.known]
    this.#trees.set(tree.watch, { ...tree, known })
    if (this.#status === 'absent') this.#start()
    else this.#send(tree)
  }

  unwatch(id: string): void {
    this.#trees.delete(id)
    this.#send({ unwatch: id })
  }

  known(id: string): readonly ProcessIdentity[] {
    return this.#trees.get(id)?.known ?? []
  }

  /** @returns `undefined` if the watchdog was lost meanwhile: call it again */
  async observe(id: string, tree: ProcessTree, query: Query): Promise<Observation | undefined> {
    if (this.#status === 'starting' && this.#startDeadline.expired) {
      this.#giveUp(`it did not start within ${START_TIMEOUT_MS} ms`)
    }
    if (this.#status === 'unusable') return observe(tree, query)
    const request = ++this.#requests
    return new Promise((resolve) => {
      this.#pending.set(request, resolve)
      this.#send({ request, tree: id, query })
      this.#updateRef()
    })
  }

  #start(): void {
    const { file, args, cwd, env } = watchdogCommand()
    const child = spawn(file, args, {
      // A new session, out of reach of signals to the group of this process.
      detached: true,
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    this.#process = child
    this.#status = 'starting'
    this.#startDeadline = deadlineIn(START_TIMEOUT_MS)
    this.#stderr = ''
    child.on('error', (error) => this.#onLost(child, error.message))
    child.on('exit', (status, signal) =>
      this.#onLost(
        child,
        signal ? `ended by ${signal}` : `ended with exit status ${status}`,
        signal,
      ),
    )
    for (const stream of child.stdio) stream?.on('error', () => {})
    if (child.stdout) {
      // `parseReport` ignores lines of a program that runs instead of the watchdog.
      createInterface(child.stdout).on('line', (line) => this.#onReport(child, parseReport(line)))
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_LENGTH)
    })
    // A running app must not keep this process alive. Deno throws for a process that could not be started.
    if (child.pid !== undefined) child.unref()
    for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.()
    child.stdin?.write(`${JSON.stringify(WATCHDOG_SOURCE)}\n`)
    for (const each of this.#trees.values()) this.#send(each)
  }

  #onReport(child: ChildProcess, report: Report | undefined): void {
    if (child !== this.#process || report === undefined) return
    if ('isUp' in report) {
      this.#status = 'up'
      return
    }
    const tree = this.#trees.get(report.tree)
    if (tree) tree.known = report.known
    if ('answer' in report) {
      this.#pending.get(report.answer)?.(report.observation)
      this.#pending.delete(report.answer)
      this.#updateRef()
    }
  }

  /** Only a pending answer keeps this process alive. */
  #updateRef(): void {
    const pipe = this.#process?.stdout as { ref?: () => void; unref?: () => void } | undefined
    if (this.#pending.size > 0) pipe?.ref?.()
    else pipe?.unref?.()
  }

  #onLost(child: ChildProcess, how: string, signal: NodeJS.Signals | null = null): void {
    if (child !== this.#process) return
    const wasKilled = this.#status === 'up' || signal !== null
    this.#process = undefined
    if (!wasKilled) this.#giveUp(`${how}${this.#stderr && `: ${this.#stderr.trim()}`}`)
    else if (this.#restarts++ === MAX_RESTARTS) this.#giveUp(`it was lost ${this.#restarts} times`)
    else if (this.#trees.size > 0) this.#start()
    else this.#status = 'absent'
    this.#dropPending()
  }

  #giveUp(why: string): void {
    this.#status = 'unusable'
    const child = this.#process
    this.#process = undefined
    child?.kill('SIGKILL')
    this.#dropPending()
    const advice = isSingleExecutable()
      ? ' This program is a single executable, so it needs `node` on the PATH.'
      : ''
    process.emitWarning(
      `The watchdog of the apps cannot run (${why}).${advice} If this process is killed, its apps keep running.`,
      { type: 'PortsliceWarning', code: 'PORTSLICE_WATCHDOG' },
    )
  }

  #dropPending(): void {
    for (const resolve of this.#pending.values()) resolve(undefined)
    this.#pending.clear()
  }

  #send(command: Command): void {
    this.#process?.stdin?.write(`${JSON.stringify(command)}\n`)
  }
}

/** The client of this process or thread, even if this package is loaded several times. */
export function watchdog(): WatchdogClient {
  return processWide('@portslice/app-server watchdog 1', () => new WatchdogClient())
}
