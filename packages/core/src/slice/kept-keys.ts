/** Which key had which port of a slice last: the same key is to have the same port again. */

/** At most one key a port, and one port a key. */
export class KeptKeys {
  readonly #byPort = new Map<number, string>()
  readonly #byKey = new Map<string, number>()

  constructor(kept: Iterable<[port: number, key: string]> = []) {
    for (const [port, key] of kept) this.taken(port, key)
  }

  /** The port has been taken under this key, or without one. */
  taken(port: number, key: string | undefined): void {
    this.#forget(port, this.#byPort.get(port))
    if (key === undefined) return
    this.#forget(this.#byKey.get(key), key)
    this.#byPort.set(port, key)
    this.#byKey.set(key, port)
  }

  #forget(port: number | undefined, key: string | undefined): void {
    if (port === undefined || key === undefined) return
    this.#byPort.delete(port)
    this.#byKey.delete(key)
  }

  portOf(key: string): number | undefined {
    return this.#byKey.get(key)
  }

  /** Whether the port was another key's: it is left for that one as long as there are others. */
  isForAnother(port: number, key: string | undefined): boolean {
    const own = this.#byPort.get(port)
    return own !== undefined && own !== key
  }

  [Symbol.iterator](): Iterator<[port: number, key: string]> {
    return this.#byPort[Symbol.iterator]()
  }
}
