/** Starts processes that do what they are told, and knows which ports they have. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AllocatorOptions } from '@portslice/core'
import { type Interval, readIntervals } from '../../support/intervals.ts'
import { cleanEnvironment } from '../../support/project.ts'
import type { Command, Opened } from './commanded.ts'

const SCRIPT = fileURLToPath(new URL('commanded.ts', import.meta.url))
/** The longest that a command may take, in ms: it only ends what hangs. */
const LONGEST = 120_000

export interface Failure extends Error {
  code?: string
}

export interface StartOptions {
  /** A command that the process is started by, such as one that sets limits first. */
  by?: readonly string[]
  uid?: number
}

interface Answer {
  id: number
  value?: unknown
  failure?: { message: string; code?: string }
  openedAt?: string
}

let started = 0

export class Commanded implements AsyncDisposable {
  readonly notes: string
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>()
  #count = 0
  /** When it was ended by force, ns: what was out until then is out no longer. */
  endedAt: bigint | undefined
  /** When it last began to make allocators, ns. */
  openedAt = 0n
  /** What it wrote to stderr. */
  stderr = ''

  private constructor(folder: string, { by = [], uid }: StartOptions) {
    this.notes = path.join(folder, `notes-${++started}.ndjson`)
    writeFileSync(this.notes, '')
    if (uid !== undefined) chownSync(this.notes, uid, uid)
    const [command, ...args] = [...by, process.execPath, SCRIPT, this.notes]
    this.#child = spawn(command as string, args, {
      cwd: folder,
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      ...(uid !== undefined && { uid, gid: uid }),
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', resolve)
      this.#child.once('error', resolve)
    })
    void this.#ended.then((why) => {
      const failure = new Error(`The process has ended (${why}): ${this.stderr}`)
      for (const { reject } of this.#answers.values()) reject(failure)
    })
    this.#child.on('message', (message) => this.#hear(message as Answer))
  }

  static async start(folder: string, options: StartOptions = {}): Promise<Commanded> {
    const commanded = new Commanded(folder, options)
    const ended = commanded.#ended.then(() => {
      throw new Error(`The process did not start: ${commanded.stderr}`)
    })
    try {
      const signal = AbortSignal.timeout(LONGEST)
      await Promise.race([once(commanded.#child, 'message', { signal }), ended])
    } catch (error) {
      await commanded.kill()
      throw error
    }
    return commanded
  }

  static startMany(count: number, folder: string): Promise<Commanded[]> {
    return Promise.all(Array.from({ length: count }, () => Commanded.start(folder)))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  #hear(message: Answer): void {
    this.openedAt = BigInt(message.openedAt ?? 0)
    const answer = this.#answers.get(message.id)
    this.#answers.delete(message.id)
    const { failure } = message
    if (failure) answer?.reject(Object.assign(new Error(failure.message), { code: failure.code }))
    else answer?.resolve(message.value)
  }

  /** @throws what the process threw, as a {@link Failure} */
  ask<T = unknown>(command: Command): Promise<T> {
    const id = this.#count++
    const answer = Promise.withResolvers<unknown>()
    this.#answers.set(id, answer)
    const timer = setTimeout(
      () => answer.reject(new Error(`No answer to "${command.do}" after ${LONGEST} ms.`)),
      LONGEST,
    )
    this.#child.send({ id, command }, (error) => error && answer.reject(error))
    return answer.promise.finally(() => clearTimeout(timer)) as Promise<T>
  }

  open(options: AllocatorOptions, more: { count?: number; at?: string } = {}): Promise<Opened> {
    return this.ask<Opened>({ do: 'open', options, ...more })
  }

  take(count: number): Promise<number[]> {
    return this.ask<number[]>({ do: 'take', count })
  }

  async kill(): Promise<void> {
    this.endedAt ??= process.hrtime.bigint()
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  intervals(): Interval[] {
    if (!existsSync(this.notes)) return []
    return readIntervals(this.notes).map((interval) =>
      interval.to === undefined && this.endedAt !== undefined
        ? { ...interval, to: this.endedAt }
        : interval,
    )
  }
}
