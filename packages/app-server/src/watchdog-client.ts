/** What this process and its watchdog have to do with each other. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { deadlineIn, processWide } from '@portslice/core/internal'
import type { ProcessIdentity, ProcessTree } from '@portslice/process-tree'
import { type Observation, observe, type Question } from './observe.js'
import { isSingleExecutable, watchdogCommand } from './watchdog-command.js'
import type { Command, KeptTree, Report } from './watchdog-protocol.js'

/** The program of the watchdog, as text: the build puts it here. */
declare const WATCHDOG_SOURCE: string

/** It takes a tenth of a second; what needs longer than this is another program. */
const UP_TIMEOUT_MS = 60_000
/** What is killed again and again is not wanted. */
const MAX_RESTARTS = 10
const MAX_LAST_WORDS = 500

/**
 * `starting` until it says that it is up. `unusable`: it cannot run here, and is not tried again.
 */
type Status = 'absent' | 'starting' | 'up' | 'unusable'

class WatchdogClient {
  readonly #trees = new Map<string, KeptTree>()
  readonly #questions = new Map<number, (observation: Observation | undefined) => void>()
  #asked = 0
  #status: Status = 'absent'
  #upDeadline = deadlineIn(UP_TIMEOUT_MS)
  #process: ChildProcess | undefined
  #lastWords = ''
  #restarts = 0

  /** Whether it looks at the trees; otherwise this process has to do it itself. */
  get isUsable(): boolean {
    return this.#status !== 'unusable'
  }

  /** Call before the tree is started, and again when more is known of it. */
  keep(tree: KeptTree): void {
    const known = [...this.known(tree.keep), ...tree.known]
    this.#trees.set(tree.keep, { ...tree, known })
    if (this.#status === 'absent') this.#start()
    else this.#tell(tree)
  }

  forget(id: string): void {
    this.#trees.delete(id)
    this.#tell({ forget: id })
  }

  /** What it has seen in a tree at its last look. */
  known(id: string): readonly ProcessIdentity[] {
    return this.#trees.get(id)?.known ?? []
  }

  /** @returns `undefined` when it was lost meanwhile: ask again */
  async observe(id: string, tree: ProcessTree, about: Question): Promise<Observation | undefined> {
    if (this.#status === 'starting' && this.#upDeadline.expired) {
      this.#giveUp(`it has not begun to run after ${UP_TIMEOUT_MS} ms`)
    }
    if (this.#status === 'unusable') return observe(tree, about)
    const ask = ++this.#asked
    return new Promise((resolve) => {
      this.#questions.set(ask, resolve)
      this.#tell({ ask, tree: id, about })
      this.#stayAliveForAnswers()
    })
  }

  #start(): void {
    const { file, args, cwd, env } = watchdogCommand()
    const child = spawn(file, args, {
      // A session of its own: what is sent to the group of this process does not reach it.
      detached: true,
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    this.#process = child
    this.#status = 'starting'
    this.#upDeadline = deadlineIn(UP_TIMEOUT_MS)
    this.#lastWords = ''
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
      // The output of another program that was started in its place is not to be understood.
      createInterface(child.stdout).on('line', (line) => this.#onReport(child, reportIn(line)))
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS)
    })
    // An app that its user has not stopped keeps no process alive.
    child.unref()
    for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.()
    child.stdin?.write(`${JSON.stringify(WATCHDOG_SOURCE)}\n`)
    for (const each of this.#trees.values()) this.#tell(each)
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
      this.#questions.get(report.answer)?.(report.observation)
      this.#questions.delete(report.answer)
      this.#stayAliveForAnswers()
    }
  }

  /** The start of an app waits for them; nothing else of a watchdog keeps this process alive. */
  #stayAliveForAnswers(): void {
    const pipe = this.#process?.stdout as { ref?: () => void; unref?: () => void } | undefined
    if (this.#questions.size > 0) pipe?.ref?.()
    else pipe?.unref?.()
  }

  #onLost(child: ChildProcess, how: string, signal: NodeJS.Signals | null = null): void {
    if (child !== this.#process) return
    const wasKilled = this.#status === 'up' || signal !== null
    this.#process = undefined
    if (!wasKilled) this.#giveUp(`${how}${this.#lastWords && `: ${this.#lastWords.trim()}`}`)
    else if (this.#restarts++ === MAX_RESTARTS) this.#giveUp(`it was lost ${this.#restarts} times`)
    else if (this.#trees.size > 0) this.#start()
    else this.#status = 'absent'
    this.#forgetQuestions()
  }

  #giveUp(why: string): void {
    this.#status = 'unusable'
    const child = this.#process
    this.#process = undefined
    child?.kill('SIGKILL')
    this.#forgetQuestions()
    const advice = isSingleExecutable()
      ? ' This program is a single executable, so it needs `node` on the PATH.'
      : ''
    process.emitWarning(
      `The watchdog of the apps cannot run (${why}).${advice} If this process is killed, its apps go on running.`,
      { type: 'PortsliceWarning', code: 'PORTSLICE_WATCHDOG' },
    )
  }

  #forgetQuestions(): void {
    for (const resolve of this.#questions.values()) resolve(undefined)
    this.#questions.clear()
  }

  #tell(command: Command): void {
    this.#process?.stdin?.write(`${JSON.stringify(command)}\n`)
  }
}

function reportIn(line: string): Report | undefined {
  try {
    return JSON.parse(line) as Report
  } catch {
    return undefined
  }
}

/** One a process or thread, however often this package is loaded. */
export function watchdog(): WatchdogClient {
  return processWide('@portslice/app-server watchdog 1', () => new WatchdogClient())
}
