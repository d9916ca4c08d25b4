import { ownersOfAll } from '@portslice/core/internal/inspect'
import { formatOwner } from '../map/owners.js'

/** Reading the open files of all processes takes longer than everything else. */
const LOOK_INTERVAL_MS = 5000

/** The names of the programs behind foreign ports. */
export class ForeignOwners {
  #names: ReadonlyMap<number, string> = new Map()
  #looked: ReadonlySet<number> = new Set()
  #nextLook = 0

  async of(ports: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const now = performance.now()
    const isNew = ports.some((port) => !this.#looked.has(port))
    if (isNew && now >= this.#nextLook) {
      this.#nextLook = now + LOOK_INTERVAL_MS
      this.#looked = new Set(ports)
      const owners = await ownersOfAll(ports)
      this.#names = new Map(
        [...owners].flatMap(([port, [owner]]) => (owner ? [[port, formatOwner(owner)]] : [])),
      )
    }
    // A port that has left may come back with another program.
    this.#looked = new Set(ports.filter((port) => this.#looked.has(port)))
    return this.#names
  }
}
