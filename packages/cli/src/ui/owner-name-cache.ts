import { findOwnerNames, type OwnerNames } from '../map/foreign-ports.js'

/** The search reads the open files of all processes, which takes longer than everything else. */
const MIN_SEARCH_INTERVAL_MS = 5000

/** Remembers the names of the processes behind foreign ports, so that the page does not search for them each time. */
export class OwnerNameCache {
  #names: OwnerNames = new Map()
  #searched: ReadonlySet<number> = new Set()
  #nextSearch = 0

  async of(ports: readonly number[]): Promise<OwnerNames> {
    const now = performance.now()
    const isNew = ports.some((port) => !this.#searched.has(port))
    if (isNew && now >= this.#nextSearch) {
      this.#nextSearch = now + MIN_SEARCH_INTERVAL_MS
      this.#searched = new Set(ports)
      this.#names = await findOwnerNames(ports)
    }
    // Another process may listen on a port later: then search again.
    this.#searched = new Set(ports.filter((port) => this.#searched.has(port)))
    return this.#names
  }
}
