/** 30 s from the discovery of the death, which comes later, less the rounding of the clocks. */
const QUARANTINE_AT_LEAST_MS = 30_000 - 50
/** A process looks after its locks every 5 s and takes a lost one again; on a busy machine later. */
const NOTICES_LOSS_WITHIN_MS = 15_000

const FOREIGN = 'a foreign program'

/** A process, as far as the model has to know it. Times are of `performance.now()`. */
export interface ModelProcess {
  readonly name: string
  readonly directory: string
  stoppedAt?: number | undefined
  blockedAt?: number | undefined
  /** When its lock directory was deleted: without its lock it writes no journal. */
  forgottenAt?: number | undefined
}

export const isReady = ({ stoppedAt, blockedAt }: ModelProcess) =>
  stoppedAt === undefined && blockedAt === undefined

interface Hold {
  holder: string
  key: string | undefined
  /** Whether the holder listens on the port. */
  bound: boolean
}

/** A port that was out when its holder died. */
interface Left {
  /** The lock directory of the holder: other directories do not know of it. */
  directory: string
  key: string | undefined
  until: number
}

/**
 * Who may have which port. It knows nothing about sockets, locks and journals, and says what would be wrong,
 * not what would be right: a port may be handed out unless there is a reason against it.
 */
export class Model {
  readonly processes: ModelProcess[] = []
  readonly #held = new Map<number, Hold>()
  readonly #left = new Map<number, Left>()
  /** Ports that were given back while their holder listened, or that a foreign program has bound: by whom. */
  readonly #listenedOn = new Map<number, string>()

  get ready(): ModelProcess[] {
    return this.processes.filter(isReady)
  }

  get stopped(): ModelProcess[] {
    return this.processes.filter(({ stoppedAt }) => stoppedAt !== undefined)
  }

  /** @returns what is wrong with this hand-out; empty if nothing is */
  take(
    port: number,
    {
      holder,
      directory,
      key,
      now,
    }: { holder: string; directory: string; key?: string | undefined; now: number },
  ): string[] {
    const wrong: string[] = []
    const hold = this.#held.get(port)
    if (hold && (hold.holder !== holder || key === undefined || hold.key !== key)) {
      wrong.push(`${port} went to ${holder}, but ${hold.holder} has it`)
    }
    const listener = this.#listenedOn.get(port)
    if (!hold && listener !== undefined) {
      wrong.push(`${port} went to ${holder}, but ${listener} listens on it`)
    }
    const left = this.#left.get(port)
    if (
      left &&
      left.until > now &&
      left.directory === directory &&
      (key === undefined || left.key !== key)
    ) {
      wrong.push(
        `${port} went to ${holder} ${Math.round(left.until - now)} ms too early after a death`,
      )
    }
    if (!hold) this.#held.set(port, { holder, key, bound: false })
    this.#left.delete(port)
    return wrong
  }

  /** @returns whether the release must be reported as a leak */
  release(port: number): boolean {
    const hold = this.#held.get(port)
    this.#held.delete(port)
    if (hold?.bound) this.#listenedOn.set(port, hold.holder)
    return hold?.bound ?? false
  }

  bind(port: number): void {
    const hold = this.#held.get(port)
    if (hold) hold.bound = true
  }

  unbind(port: number): void {
    const hold = this.#held.get(port)
    if (hold) hold.bound = false
    this.#listenedOn.delete(port)
  }

  foreignProgramBinds(port: number): void {
    this.#listenedOn.set(port, FOREIGN)
  }

  /** @param died a moment before its death */
  dies(process: ModelProcess, died: number): void {
    this.processes.splice(this.processes.indexOf(process), 1)
    const { name, directory, forgottenAt } = process
    const lastActive = process.stoppedAt ?? process.blockedAt ?? died
    // Without a journal others cannot know what it had out.
    const isRemembered =
      forgottenAt === undefined || lastActive - forgottenAt > NOTICES_LOSS_WITHIN_MS
    if (isRemembered) {
      for (const [port, { holder, key }] of this.#held) {
        if (holder === name) {
          this.#left.set(port, { directory, key, until: died + QUARANTINE_AT_LEAST_MS })
        }
      }
    }
    this.#giveBack(name)
  }

  /** A process ends normally. */
  closes(process: ModelProcess): void {
    this.processes.splice(this.processes.indexOf(process), 1)
    this.#giveBack(process.name)
  }

  #giveBack(name: string): void {
    for (const [port, { holder }] of this.#held) if (holder === name) this.#held.delete(port)
    for (const [port, listener] of this.#listenedOn) {
      if (listener === name) this.#listenedOn.delete(port)
    }
  }

  /** Continues the process, which notices only now what happened to its journals. */
  wakes(process: ModelProcess, now: number): void {
    process.stoppedAt = undefined
    process.blockedAt = undefined
    if (process.forgottenAt !== undefined) process.forgottenAt = now
  }

  /** A deleted lock directory loses the ports of dead holders. */
  forgets(directory: string, now: number): void {
    for (const [port, left] of this.#left) if (left.directory === directory) this.#left.delete(port)
    for (const process of this.processes) {
      if (process.directory === directory) process.forgottenAt = now
    }
  }

  portsOf(holder: string): number[] {
    return [...this.#held].filter(([, hold]) => hold.holder === holder).map(([port]) => port)
  }

  isBound(port: number): boolean {
    return this.#held.get(port)?.bound ?? this.#listenedOn.has(port)
  }

  /** Ports that this holder gave back and still listens on. */
  leakedBy(holder: string): number[] {
    return [...this.#listenedOn].filter(([, by]) => by === holder).map(([port]) => port)
  }

  get foreignPorts(): number[] {
    return this.leakedBy(FOREIGN)
  }

  hasKey(port: number, key: string | undefined): boolean {
    return key !== undefined && this.#held.get(port)?.key === key
  }

  /** Whether no process has it or listens on it. */
  isUntouched(port: number): boolean {
    return !this.#held.has(port) && !this.#listenedOn.has(port)
  }

  /** Untouched, and not left by a dead process. */
  isFree(port: number): boolean {
    return this.isUntouched(port) && !this.#left.has(port)
  }
}
