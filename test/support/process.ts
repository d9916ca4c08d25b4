/** Runs other processes: to their end, or as partners that exchange lines of JSON. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { Output } from './output.ts'

/** Only a process that hangs takes so long. */
const RUN_TIMEOUT_MS = 240_000
const ANSWER_TIMEOUT_MS = 120_000

/** Variables of the runner that runs this test; the processes that it starts must not see them. */
const INHERITED_FROM_RUNNERS =
  /^(VITEST|TEST$|TEST_|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$|npm_|PORTSLICE_|CI$|CI_|CIRCLE|BUILDKITE|SYSTEM_|BITBUCKET_|SEMAPHORE_|HEROKU_)/

export function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !INHERITED_FROM_RUNNERS.test(entry[0]),
    ),
  )
}

export interface ProcessOptions {
  cwd?: string
  /** Added to the clean environment of this process; `undefined` removes a variable. */
  env?: Record<string, string | undefined>
  /** The value of `$PORTSLICE_LOCK_DIR`. */
  lockDirectory?: string
  /** The user that it runs as; needs root. */
  uid?: number
  /** A command that starts the process, such as one that enters a namespace first. */
  by?: readonly string[]
  /** The Node that runs a script. Default: this one. */
  node?: string
  stdin?: 'pipe' | 'ignore'
  /** ms; it is killed then. Default: never. */
  timeout?: number
  /** Whether to start it in a new process group. */
  detached?: boolean
  /** Whether signals of {@link TestProcess.stop} reach the processes that it has started as well. */
  killDescendants?: boolean
}

export interface Outcome {
  /** The exit status; `null` if a signal ended it. */
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export class TestProcess implements AsyncDisposable {
  readonly child: ChildProcess
  readonly stdout = new Output()
  readonly stderr = new Output()
  /** Resolves when it has exited; processes that it left may still have its output open. */
  readonly exited: Promise<number | null>
  /** Resolves when it has exited and its output is complete; rejects if it could not be started. */
  readonly ended: Promise<Outcome>
  /** When `kill()` was called, in ns of the clock that `Recorder` uses. */
  killedAt: bigint | undefined
  /** Why it failed. */
  complaint: string | undefined
  readonly #stop: (signal: NodeJS.Signals) => void
  readonly #messages: unknown[] = []
  readonly #answers = new Map<number, object>()
  #parsed = 0
  #asked = 0

  constructor(command: readonly string[], options: ProcessOptions = {}) {
    const { cwd, env, lockDirectory, uid, by = [], timeout = 0 } = options
    const [file, ...args] = [...by, ...command]
    const started = execa(file as string, args, {
      env: {
        ...cleanEnvironment(),
        ...(lockDirectory && { PORTSLICE_LOCK_DIR: lockDirectory }),
        ...env,
      },
      extendEnv: false,
      stdin: options.stdin ?? 'pipe',
      reject: false,
      buffer: false,
      timeout,
      killSignal: 'SIGKILL',
      forceKillAfterDelay: false,
      detached: options.detached ?? false,
      killDescendants: options.killDescendants ?? false,
      ...(cwd && { cwd }),
      ...(uid !== undefined && { uid, gid: uid }),
    })
    this.child = started.nodeChildProcess
    this.#stop = (signal) => void started.kill(signal)
    this.stdout.read(started.stdout as Readable)
    this.stderr.read(started.stderr as Readable)
    this.child.stdin?.on('error', () => {}) // It may end before it reads.
    this.exited = once(this.child, 'exit').then(
      ([status]) => status as number | null,
      () => null,
    )
    this.ended = started.then((result) => {
      const { exitCode, signal = null, timedOut } = result
      if (timedOut) this.stderr.add(`\nIt was killed after ${timeout} ms.`)
      const outcome = {
        status: exitCode ?? null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.stdout.text,
        stderr: this.stderr.text,
      }
      const isExpected = exitCode === 0 || this.killedAt !== undefined
      if (!isExpected || outcome.stderr !== '') {
        const how = exitCode ?? signal ?? result.originalMessage
        this.complaint ??= `A process ended with ${how}: ${outcome.stderr.trim().slice(0, 800)}`
      }
      if (exitCode === undefined && signal === null) {
        this.stdout.end()
        throw new Error(`${file} could not be started: ${result.originalMessage}`)
      }
      return outcome
    })
    this.ended.catch(() => {}) // Reported to callers that await it.
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** Waits until `pattern` is in its stdout. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.stdout.until((text) => pattern.exec(text), pattern)
  }

  /** Waits until `pattern` is in its stderr. */
  complained(pattern: RegExp): Promise<RegExpExecArray> {
    return this.stderr.until((text) => pattern.exec(text), pattern)
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`)
  }

  /** The next message that it prints: a line of JSON. */
  hear<T>(timeoutMs = ANSWER_TIMEOUT_MS): Promise<T> {
    return this.#until(() => this.#messages.shift(), 'a message', timeoutMs) as Promise<T>
  }

  /** Sends a command to a script that calls `answerCommands`, and waits for its answer. */
  async ask<T extends object>(command: { do: string }): Promise<T> {
    const id = ++this.#asked
    this.tell(JSON.stringify({ id, command }))
    const answer = () => {
      const found = this.#answers.get(id)
      this.#answers.delete(id)
      return found
    }
    return this.#until(answer, `an answer to "${command.do}"`, ANSWER_TIMEOUT_MS) as Promise<T>
  }

  async #until(find: () => unknown, wanted: string, timeoutMs: number): Promise<unknown> {
    const findIn = (text: string) => {
      this.#parse(text)
      return find() ?? null
    }
    return this.stdout.until(findIn, wanted, timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message.slice(-2000)}\n${this.stderr.text}`)
    })
  }

  #parse(text: string): void {
    for (let end = text.indexOf('\n', this.#parsed); end >= 0; ) {
      const message = JSON.parse(text.slice(this.#parsed, end))
      this.#parsed = end + 1
      end = text.indexOf('\n', this.#parsed)
      if (typeof message?.answerTo === 'number') this.#answers.set(message.answerTo, message)
      else this.#messages.push(message)
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Kills it at once, and waits until it has exited. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.killedAt ??= process.hrtime.bigint()
    }
    this.#stop('SIGKILL')
    await this.exited
  }

  /** Interrupts it as Ctrl-C does, and kills it if it has not ended after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stop('SIGINT')
    const timer = setTimeout(() => this.#stop('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(timer)
    // Those that it started may have outlived it.
    this.#stop('SIGKILL')
  }

  /** Waits until it ends by itself; a process that takes longer is killed, and the test fails. */
  async untilEnded(timeoutMs = ANSWER_TIMEOUT_MS): Promise<void> {
    const timer = setTimeout(() => {
      this.complaint = `A process had not ended after ${timeoutMs} ms.`
      void this.kill()
    }, timeoutMs)
    await this.ended.catch(() => {})
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

/** Starts a script on Node. */
export function startNode(args: readonly string[], options: ProcessOptions = {}): TestProcess {
  return new TestProcess([options.node ?? process.execPath, ...args], options)
}

/** Runs a script on Node to its end. */
export function runNode(args: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  return startNode(args, { stdin: 'ignore', timeout: RUN_TIMEOUT_MS, ...options }).ended
}

/** Runs a command to its end. @throws Error with its output, if it fails */
export async function run(
  command: readonly string[],
  options: ProcessOptions = {},
): Promise<Outcome> {
  const outcome = await new TestProcess(command, {
    stdin: 'ignore',
    timeout: RUN_TIMEOUT_MS,
    killDescendants: true,
    ...options,
  }).ended
  if (outcome.status === 0) return outcome
  const how = outcome.status ?? outcome.signal
  throw new Error(`${command.join(' ')} ended with ${how}: ${outcome.stdout}\n${outcome.stderr}`)
}

/** Whether a process runs; a zombie does not. Linux only. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

/** Why a command fails on this machine, as a clause; `undefined` if it succeeds. */
export function whyNot(file: string, ...args: string[]): string | undefined {
  try {
    execFileSync(file, args, { stdio: 'pipe' })
    return undefined
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }
    const reason = (stderr?.toString().trim() || message).split('\n').at(-1)
    return `\`${[file, ...args].join(' ')}\` does not work here (${reason})`
  }
}
