/**
 * What may be true of the ports, whoever asks for them: a table of who has what, in memory.
 *
 * Knows nothing of sockets, locks and journals. It says what would be wrong, not what would be
 * right: any port may be handed out of which it has no reason to the contrary.
 */

/**
 * How long a port that was out when its holder died is not to be handed out, in ms: 30 s from the
 * discovery, which comes after the death. Less the rounding of the clocks that are compared.
 */
const QUARANTINE_AT_LEAST_MS = 30_000 - 50

interface Hold {
  holder: string
  key: string | undefined
  /** Whether somebody listens on the port. */
  bound: boolean
}

interface Left {
  /** The lock directory of the holder that died: others have not heard of it. */
  directory: string
  key: string | undefined
  until: number
}

export class Model {
  readonly #held = new Map<number, Hold>()
  readonly #left = new Map<number, Left>()
  /** Given back while somebody listened, or bound by a stranger: by whom. */
  readonly #listenedOn = new Map<number, string>()

  /** @returns what is wrong with this hand-out; empty when nothing is */
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
      wrong.push(`${port} went to ${holder} ${left.until - now} ms too early after a death`)
    }
    if (!hold) this.#held.set(port, { holder, key, bound: false })
    this.#left.delete(port)
    return wrong
  }

  /** @returns whether the release is to be called a leak */
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

  strangerBinds(port: number): void {
    this.#listenedOn.set(port, 'a stranger')
  }

  /** @param died a moment before its death, in the clock of `now` */
  dies(holder: string, directory: string, died: number): void {
    for (const [port, hold] of this.#held) {
      if (hold.holder !== holder) continue
      this.#held.delete(port)
      this.#left.set(port, { directory, key: hold.key, until: died + QUARANTINE_AT_LEAST_MS })
    }
    for (const [port, listener] of this.#listenedOn) {
      if (listener === holder) this.#listenedOn.delete(port)
    }
  }

  /** All that it had is given back in good order. */
  closes(holder: string): void {
    for (const [port, hold] of this.#held) if (hold.holder === holder) this.#held.delete(port)
    for (const [port, listener] of this.#listenedOn) {
      if (listener === holder) this.#listenedOn.delete(port)
    }
  }

  /** With its journals, a lock directory forgets what the dead had. */
  forgets(directory: string): void {
    for (const [port, left] of this.#left) if (left.directory === directory) this.#left.delete(port)
  }

  portsOf(holder: string): number[] {
    return [...this.#held].filter(([, hold]) => hold.holder === holder).map(([port]) => port)
  }

  isBound(port: number): boolean {
    return this.#held.get(port)?.bound ?? this.#listenedOn.has(port)
  }

  /** Ports given back although this holder listens on them still. */
  leakedBy(holder: string): number[] {
    return [...this.#listenedOn].filter(([, by]) => by === holder).map(([port]) => port)
  }

  hasKey(port: number, key: string | undefined): boolean {
    return key !== undefined && this.#held.get(port)?.key === key
  }

  /** Whether nobody has it or listens on it. */
  isUntouched(port: number): boolean {
    return !this.#held.has(port) && !this.#listenedOn.has(port)
  }

  /** As far as is known, and not left by the dead. */
  isFree(port: number): boolean {
    return this.isUntouched(port) && !this.#left.has(port)
  }
}
