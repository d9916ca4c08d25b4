const times = new Map<string, unknown>()

/**
 * When the server last answered a session of an owner, by the server's clock. If another process has recorded a
 * port of this owner before that time, its record is outdated.
 */
export class LastSeen {
  /** The time of the session before this one. */
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
