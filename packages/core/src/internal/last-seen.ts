const times = new Map<string, unknown>()

/**
 * When the server last knew that a session of an owner was alive, by the server's clock. What others had
 * written by then about the ports of this owner is older than what it has.
 */
export class LastSeen {
  /** Of the session before this one. */
  readonly before: unknown
  readonly #owner: string
  /** Until this session has resumed, other processes may have got the ports. */
  #hasAll: boolean

  constructor(owner: string) {
    this.#owner = owner
    this.before = times.get(owner)
    this.#hasAll = this.before === undefined
  }

  note(at: unknown): void {
    if (this.#hasAll && at !== undefined) times.set(this.#owner, at)
  }

  resumed(at: unknown): void {
    this.#hasAll = true
    this.note(at)
  }
}
