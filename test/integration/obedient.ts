/** Processes that call portslice as they are told, wherever and however they are started. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../support/project.ts'
import type { Answer, Command } from './processes/obey.ts'

const SCRIPT = fileURLToPath(new URL('processes/obey.ts', import.meta.url))

export interface StartOptions {
  /** A command that starts the process, such as one that enters a namespace. */
  by?: readonly string[]
  /** What runs the script. Default: this Node. */
  runtime?: readonly string[]
  /** Its working directory, and project root. */
  cwd?: string
  env?: Record<string, string>
}

/** An answer, with all that the process was warned of so far. */
export type Told = Answer & { ports: number[]; warnings: string[] }

export class Obedient implements AsyncDisposable {
  /** Of the process itself, not of what has started it. */
  pid = 0
  stderr = ''
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #ended: Promise<unknown>
  readonly #waiting: ((line: string | undefined) => void)[] = []

  private constructor({
    by = [],
    runtime = [process.execPath],
    cwd = os.tmpdir(),
    env = {},
  }: StartOptions) {
    const [command, ...args] = [...by, ...runtime, SCRIPT]
    this.#child = spawn(command as string, args, {
      cwd,
      env: { ...cleanEnvironment(), NODE_NO_WARNINGS: '1', ...env },
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.#child.stdin?.on('error', () => {}) // It may have ended.
    this.#ended = once(this.#child, 'exit').catch(() => {})
    this.#lines = createInterface(this.#child.stdout as NodeJS.ReadableStream)
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line))
    this.#lines.on('close', () => {
      for (const resolve of this.#waiting.splice(0)) resolve(undefined)
    })
  }

  static async start(options: StartOptions = {}): Promise<Obedient> {
    const started = new Obedient(options)
    const { pid } = (await started.#hear()) as { pid: number }
    started.pid = pid
    return started
  }

  async #hear(): Promise<unknown> {
    const line = await new Promise<string | undefined>((resolve) => this.#waiting.push(resolve))
    if (line === undefined) throw new Error(`The process has ended: ${this.stderr}`)
    return JSON.parse(line)
  }

  /** @returns what came of it, also when it failed */
  async try(command: Command): Promise<Told> {
    const heard = this.#hear()
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`)
    return (await heard) as Told
  }

  /** @throws what the process threw */
  async tell(command: Command): Promise<Told> {
    const told = await this.try(command)
    if (told.error) throw Object.assign(new Error(told.error.message), { code: told.error.code })
    return told
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  async kill(): Promise<void> {
    try {
      if (this.pid > 0) process.kill(this.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
    await this.#ended
  }

  /** Ends it in good order. */
  async end(): Promise<void> {
    this.#child.stdin?.end()
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end()
    await this.kill()
  }
}

/** A directory that is removed at the end of the block. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(path.join(os.tmpdir(), 'portslice-test-'))

  /** A project of its own below it. */
  project(name: string): string {
    const root = path.join(this.path, name)
    mkdirSync(path.join(root, '.git'), { recursive: true })
    return root
  }

  get locks(): string {
    return path.join(this.path, 'locks')
  }

  /** Lets other users make files in it. */
  openToAll(): void {
    chmodSync(this.path, 0o777)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Starts a process in a network namespace of its own. */
export const IN_OTHER_NETWORK = [
  'unshare',
  '-n',
  'sh',
  '-c',
  'ip link set lo up && exec "$@"',
  'sh',
]

/** Why a command cannot be run here, or `undefined`: the reason for skipping what needs it. */
export function whyNot(command: string, ...args: string[]): string | undefined {
  try {
    execFileSync(command, args, { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `${command} cannot be used here (${(error as Error).message.split('\n')[0]})`
  }
}
