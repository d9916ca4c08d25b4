/** Actors, strangers and lock directories, with the model of what they may have: one method a step. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { listSlices } from '@portslice/core'
import { Model } from './model.ts'
import type { Random } from './random.ts'
import { RemoteActor } from './remote-actor.ts'

/** Ten slices: few enough for the actors to be in one another's way. */
const RANGE = [30_016, 30_335] as const
const ACTORS = 8
const KEYS = ['a', 'b', 'c', 'd'] as const

/** The steps, and how often each comes. */
export const STEPS = {
  start: 5,
  take: 30,
  burst: 4,
  release: 22,
  bind: 10,
  unbind: 8,
  crash: 2,
  exit: 1,
  close: 1.5,
  stop: 2,
  wake: 4,
  block: 0.7,
  delete: 0.3,
  strangerBinds: 2,
  strangerGoes: 2,
} as const
export type Step = keyof typeof STEPS

export class Stage {
  /** What has been wrong so far. */
  readonly wrong: string[] = []
  /** What has been done, for whoever looks into a failure. */
  readonly log: string[] = []
  handOuts = 0
  readonly #random: Random
  readonly #model = new Model()
  readonly #directories: readonly string[]
  readonly #actors: RemoteActor[] = []
  readonly #strangers = new Map<number, net.Server>()
  #started = 0

  constructor(random: Random, folder: string) {
    this.#random = random
    this.#directories = ['one', 'two'].map((name) => path.join(folder, name))
  }

  /** Does a step, or nothing where there is nobody to do it. */
  async do(step: Step): Promise<void> {
    await this[step]()
  }

  async start(): Promise<void> {
    if (this.#actors.length >= ACTORS) return
    // Mostly one lock directory, so that most have heard of one another's dead.
    const directory = this.#directories[this.#random.next() < 0.8 ? 0 : 1] as string
    const actor = new RemoteActor(`actor ${++this.#started}`, directory)
    this.#note(`${actor.name} starts in ${path.basename(directory)}`)
    const answer = await actor.tell({
      do: 'open',
      options: {
        range: RANGE,
        lockDirectory: directory,
        workerId: 1 + this.#random.below(4),
        waitTimeout: 200,
        order: this.#random.pick(['sequential', 'random']),
        timeWaitGuard: this.#random.pick(['always', 'never']),
      },
    })
    if (answer.refused || answer.failed) {
      await this.#looksFull(actor, answer)
      await actor.kill()
    } else {
      this.#actors.push(actor)
    }
  }

  async take(actor = this.#anyReady()): Promise<void> {
    if (!actor) return
    const key = this.#random.next() < 0.2 ? this.#random.pick(KEYS) : undefined
    // A key that is out is shared, which the model does not count.
    const free = this.#model.portsOf(actor.name).every((port) => !this.#model.hasKey(port, key))
    const wish = key !== undefined && free ? { key } : {}
    const answer = await actor.tell({ do: 'take', ...wish })
    if (answer.port === undefined) {
      await this.#looksFull(actor, answer)
      return
    }
    this.handOuts++
    this.#note(`${actor.name} takes ${answer.port}${wish.key ? ` for ${wish.key}` : ''}`)
    const { name: holder, directory } = actor
    this.wrong.push(
      ...this.#model.take(answer.port, { holder, directory, ...wish, now: performance.now() }),
    )
  }

  /** All that can take a port at the same moment. */
  async burst(): Promise<void> {
    await Promise.all(
      this.#actors.filter(({ isReady }) => isReady).map((actor) => this.take(actor)),
    )
  }

  async release(): Promise<void> {
    const actor = this.#anyReady()
    const port = actor && this.#anyOf(this.#model.portsOf(actor.name))
    if (!actor || port === undefined) return
    const { leaked, failed } = await actor.tell({ do: 'release', port })
    this.#note(`${actor.name} releases ${port}${leaked ? ', which leaks' : ''}`)
    const expected = this.#model.release(port)
    if (failed || leaked !== expected) {
      this.wrong.push(
        `${actor.name} released ${port}: leaked ${leaked}, not ${expected} ${failed ?? ''}`,
      )
    }
  }

  async bind(): Promise<void> {
    const actor = this.#anyReady()
    const ports = actor ? this.#model.portsOf(actor.name) : []
    const port = this.#anyOf(ports.filter((each) => !this.#model.isBound(each)))
    if (!actor || port === undefined) return
    const { failed } = await actor.tell({ do: 'bind', port })
    this.#note(`${actor.name} binds ${port}`)
    if (failed) this.wrong.push(`${actor.name} could not bind its ${port}: ${failed}`)
    else this.#model.bind(port)
  }

  async unbind(): Promise<void> {
    const actor = this.#anyReady()
    if (!actor) return
    const bound = this.#model.portsOf(actor.name).filter((port) => this.#model.isBound(port))
    const port = this.#anyOf([...bound, ...this.#model.leakedBy(actor.name)])
    if (port === undefined) return
    await actor.tell({ do: 'unbind', port })
    this.#note(`${actor.name} closes ${port}`)
    this.#model.unbind(port)
  }

  async crash(): Promise<void> {
    const actor = this.#anyOf(this.#actors)
    if (!actor) return
    const { isRemembered } = actor
    const died = performance.now()
    await actor.kill()
    this.#gone(actor, 'is killed')
    this.#dies(actor, died, isRemembered)
  }

  async exit(): Promise<void> {
    const actor = this.#anyReady()
    if (!actor) return
    const { isRemembered } = actor
    const died = performance.now()
    await actor.exit()
    this.#gone(actor, 'ends')
    this.#dies(actor, died, isRemembered)
  }

  async close(): Promise<void> {
    const actor = this.#anyReady()
    if (!actor) return
    const { failed } = await actor.tell({ do: 'close' })
    if (failed) this.wrong.push(`${actor.name} could not close: ${failed}`)
    await actor.exit()
    this.#gone(actor, 'closes')
    this.#model.closes(actor.name)
  }

  async stop(): Promise<void> {
    const actor = this.#anyReady()
    if (!actor) return
    actor.stop()
    this.#note(`${actor.name} is stopped`)
  }

  async wake(): Promise<void> {
    const actor = this.#anyOf(this.#actors.filter(({ stoppedAt }) => stoppedAt !== undefined))
    if (!actor) return
    actor.wake()
    this.#note(`${actor.name} goes on`)
  }

  /** Others go on meanwhile; now and then it takes longer than a lock needs to go stale. */
  async block(): Promise<void> {
    const actor = this.#anyReady()
    if (!actor) return
    const ms = this.#random.pick([500, 2000, 12_000])
    actor.blockedAt = Date.now()
    this.#note(`${actor.name} blocks for ${ms} ms`)
    void actor
      .tell({ do: 'block', ms })
      .catch(() => {}) // Killed meanwhile.
      .finally(() => {
        actor.unblock()
      })
  }

  async delete(): Promise<void> {
    const directory = this.#random.pick(this.#directories)
    rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
    this.#note(`${path.basename(directory)} is deleted`)
    this.#model.forgets(directory)
    for (const actor of this.#actors) {
      if (actor.directory === directory) actor.forgottenAt = Date.now()
    }
  }

  async strangerBinds(): Promise<void> {
    const [first, last] = RANGE
    const port = first + this.#random.below(last - first + 1)
    if (!this.#model.isUntouched(port) || this.#strangers.has(port)) return
    const server = net.createServer().listen(port)
    try {
      await once(server, 'listening')
    } catch {
      return // An app of an actor that died lately, or anybody else on this machine.
    }
    this.#strangers.set(port, server)
    this.#note(`a stranger binds ${port}`)
    this.#model.strangerBinds(port)
  }

  async strangerGoes(): Promise<void> {
    const port = this.#anyOf([...this.#strangers.keys()])
    const server = port === undefined ? undefined : this.#strangers.get(port)
    if (port === undefined || !server) return
    server.close()
    await once(server, 'close')
    this.#strangers.delete(port)
    this.#note(`the stranger leaves ${port}`)
    this.#model.unbind(port)
  }

  /** Ends everybody. Then nobody may hold a slice. */
  async end(): Promise<void> {
    await Promise.all(this.#actors.splice(0).map((actor) => actor.kill()))
    for (const server of this.#strangers.values()) server.close()
    for (const lockDirectory of this.#directories) {
      for (const { first, state, holder } of await listSlices({ lockDirectory })) {
        if (state === 'held' && holder && first >= RANGE[0] && first <= RANGE[1]) {
          this.wrong.push(`slice ${first} is still held by ${holder.pid} when all have ended`)
        }
      }
    }
  }

  /** A refusal is right only when there is no slice that nobody holds and that has a port to give. */
  async #looksFull(actor: RemoteActor, { refused, failed }: { refused?: string; failed?: string }) {
    this.#note(`${actor.name} gets nothing: ${refused ?? failed}`)
    if (refused !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') {
      this.wrong.push(`${actor.name} failed: ${refused ?? failed}`)
      return
    }
    const held = new Set(
      (await listSlices({ lockDirectory: actor.directory })).map(({ first }) => first),
    )
    for (let first = RANGE[0]; first < RANGE[1]; first += 32) {
      const ports = Array.from({ length: 31 }, (_, offset) => first + offset)
      // Whom a slice belongs to may change while one looks, so only one that is wholly free counts.
      if (!held.has(first) && ports.every((port) => this.#model.isFree(port))) {
        this.wrong.push(`${actor.name} got nothing, but the slice ${first} is free`)
      }
    }
  }

  /** What it had out is left alone for a while, by those who can know of it. */
  #dies(actor: RemoteActor, died: number, isRemembered: boolean): void {
    if (isRemembered) this.#model.dies(actor.name, actor.directory, died)
    else this.#model.closes(actor.name)
  }

  #gone(actor: RemoteActor, how: string): void {
    this.#actors.splice(this.#actors.indexOf(actor), 1)
    this.#note(`${actor.name} ${how}`)
  }

  #anyReady(): RemoteActor | undefined {
    return this.#anyOf(this.#actors.filter(({ isReady }) => isReady))
  }

  #anyOf<T>(values: readonly T[]): T | undefined {
    return values.length > 0 ? this.#random.pick(values) : undefined
  }

  #note(text: string): void {
    this.log.push(text)
  }
}
