const times = new Map<string, unknown>()

/**
 * Remembers, for each owner, when the server last answered, by the server's clock. The owner still had its ports
 * then, so older records of other processes for these ports are outdated.
 */
export class LastSeen {
  /** When the server last answered the session before this one. */
  readonly previousSession: unknown
  readonly #owner: string
  /** Until this session has resumed, other processes may have got the ports. */
  #hasItsPorts: boolean

  constructor(owner: string) {
    this.#owner = owner
    this.previousSession = times.get(owner)
    this.#hasItsPorts = this.previousSession === undefined
  }

  recordAnswer(at: unknown): void {
    if (this.#hasItsPorts && at !== undefined) times.set(this.#owner, at)
  }

  recordResume(at: unknown): void {
    this.#hasItsPorts = true
    this.recordAnswer(at)
  }
}
