import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { type AllocatorOptions, listSlices } from '@portslice/core'
import { AllocatorProcess, type Answer } from '../support/allocator-process.ts'
import { Model, type ModelProcess } from './model.ts'

/** Ten slices: few enough for the processes to get in each other's way. */
export const RANGE = [30_016, 30_335] as const
export const DIRECTORIES = ['one', 'two'] as const

export type Directory = (typeof DIRECTORIES)[number]

/** Real processes, foreign programs and lock directories. Each method throws if the model disagrees. */
export class Simulation {
  readonly model = new Model()
  /** The steps that have been run, as text. */
  readonly log: string[] = []
  handOuts = 0
  readonly #directory: string
  readonly #processes = new Map<string, AllocatorProcess>()
  readonly #foreign = new Map<number, net.Server>()
  #started = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  async start(directory: Directory, options: AllocatorOptions): Promise<void> {
    const lockDirectory = this.#path(directory)
    const process: ModelProcess = { name: `process ${++this.#started}`, directory: lockDirectory }
    const started = await AllocatorProcess.start()
    this.#processes.set(process.name, started)
    this.#note(`${process.name} starts in ${directory}`)
    const answer = await started.try({
      do: 'open',
      options: { range: RANGE, lockDirectory, waitTimeout: 200, ...options },
    })
    if (!answer.error) {
      this.model.processes.push(process)
      return
    }
    await started.kill()
    await this.#expectFull(process, answer.error)
  }

  async take(process: ModelProcess, wantedKey: string | undefined): Promise<void> {
    const { name: holder, directory } = process
    // A key that is out is shared, which the model does not count.
    const isOut = this.model.portsOf(holder).some((port) => this.model.hasKey(port, wantedKey))
    const key = isOut ? undefined : wantedKey
    const options = key === undefined ? {} : { key }
    const { ports, error } = await this.#real(process).try({ do: 'take', count: 1, options })
    if (error) return this.#expectFull(process, error)
    const [port] = ports as [number]
    this.handOuts++
    this.#note(`${holder} takes ${port}${key ? ` for ${key}` : ''}`)
    const wrong = this.model.take(port, { holder, directory, key, now: performance.now() })
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }

  async release(process: ModelProcess, port: number): Promise<void> {
    const { leaked } = await this.#real(process).command({ do: 'release', ports: [port] })
    this.#note(`${process.name} releases ${port}${leaked ? ', which leaks' : ''}`)
    const expected = this.model.release(port)
    if (leaked !== expected) {
      throw new Error(`${process.name} released ${port}: leaked ${leaked}, not ${expected}`)
    }
  }

  async bind(process: ModelProcess, port: number): Promise<void> {
    this.#note(`${process.name} binds ${port}`)
    await this.#real(process).command({ do: 'bind', port })
    this.model.bind(port)
  }

  async unbind(process: ModelProcess, port: number): Promise<void> {
    this.#note(`${process.name} closes ${port}`)
    await this.#real(process).command({ do: 'unbind', port })
    this.model.unbind(port)
  }

  async crash(process: ModelProcess): Promise<void> {
    this.#note(`${process.name} is killed`)
    const died = performance.now()
    await this.#real(process).kill()
    this.model.dies(process, died)
  }

  /** It ends by itself, with ports out. */
  async exit(process: ModelProcess): Promise<void> {
    this.#note(`${process.name} ends`)
    const died = performance.now()
    await this.#real(process).end()
    this.model.dies(process, died)
  }

  async close(process: ModelProcess): Promise<void> {
    this.#note(`${process.name} closes`)
    await this.#real(process).command({ do: 'close' })
    await this.#real(process).end()
    this.model.closes(process)
  }

  stop(process: ModelProcess): void {
    this.#note(`${process.name} is stopped`)
    this.#real(process).signal('SIGSTOP')
    process.stoppedAt = performance.now()
  }

  wake(process: ModelProcess): void {
    this.#note(`${process.name} continues`)
    this.#real(process).signal('SIGCONT')
    this.model.wakes(process, performance.now())
  }

  /** Other processes continue meanwhile. */
  async block(process: ModelProcess, ms: number): Promise<void> {
    this.#note(`${process.name} blocks for ${ms} ms`)
    process.blockedAt = performance.now()
    await this.#real(process).command({ do: 'block', ms })
    void this.#real(process)
      .command({ do: 'nothing' }) // Answered once it no longer blocks.
      .then(
        () => this.model.wakes(process, performance.now()),
        () => {}, // It was killed meanwhile.
      )
  }

  deleteDirectory(directory: Directory): void {
    this.#note(`${directory} is deleted`)
    rmSync(this.#path(directory), { recursive: true, force: true, maxRetries: 20 })
    this.model.forgets(this.#path(directory), performance.now())
  }

  async foreignProgramBinds(port: number): Promise<void> {
    const server = net.createServer().listen(port)
    try {
      await once(server, 'listening')
    } catch {
      return // The app of a process that died lately, or another program of this machine.
    }
    this.#note(`a foreign program binds ${port}`)
    this.#foreign.set(port, server)
    this.model.foreignProgramBinds(port)
  }

  async foreignProgramCloses(port: number): Promise<void> {
    this.#note(`the foreign program closes ${port}`)
    const server = this.#foreign.get(port)
    this.#foreign.delete(port)
    server?.close()
    if (server) await once(server, 'close')
    this.model.unbind(port)
  }

  /** Kills all. Then no slice may be held. */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]()
    for (const directory of DIRECTORIES) {
      for (const { first, state, holder } of await listSlices({
        lockDirectory: this.#path(directory),
      })) {
        if (state === 'held' && holder && first >= RANGE[0] && first <= RANGE[1]) {
          throw new Error(`slice ${first} is still held by ${holder.pid} after all have ended`)
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((each) => each.kill()))
    for (const server of this.#foreign.values()) server.close()
  }

  /** A refusal is right only if no slice is both unheld and free. */
  async #expectFull({ name, directory }: ModelProcess, error: Answer['error']): Promise<void> {
    this.#note(`${name} gets nothing: ${error?.code}`)
    if (error?.code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') {
      throw new Error(`${name} failed: ${error?.stack}`)
    }
    const held = new Set((await listSlices({ lockDirectory: directory })).map(({ first }) => first))
    for (let first = RANGE[0]; first < RANGE[1]; first += 32) {
      const ports = Array.from({ length: 31 }, (_, offset) => first + offset)
      // The holder of a slice may change meanwhile, so only a slice without any port in use counts.
      if (!held.has(first) && ports.every((port) => this.model.isFree(port))) {
        throw new Error(`${name} got nothing, but the slice ${first} is free`)
      }
    }
  }

  #real({ name }: ModelProcess): AllocatorProcess {
    return this.#processes.get(name) as AllocatorProcess
  }

  #path(directory: Directory): string {
    return path.join(this.#directory, directory)
  }

  #note(text: string): void {
    this.log.push(text)
  }
}
