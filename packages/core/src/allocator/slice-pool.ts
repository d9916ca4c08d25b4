import { nextTurn } from '../platform/clock.js'
import { isNotPermitted } from '../probe/bind-errors.js'
import type { SliceStart } from '../slice/layout.js'
import { heldSlices, type LeaseContext, Slice } from '../slice/slice.js'

/** A failed bind does not yield to the event loop, so the search does it itself. */
const SLICES_PER_TURN = 16

/** The slices that an allocator holds, and those that it may lease. */
export class SlicePool {
  readonly #allowed: readonly SliceStart[]
  readonly #context: LeaseContext
  readonly #onNotPermitted: (error: unknown) => void
  readonly #held: Slice[] = []
  #wasAnyHeldByOthers = false
  /** No slice could be leased in this round, so further searches are skipped. */
  #isExhausted = false

  /**
   * @param allowed which slices may be leased, in the order in which they are tried
   * @param onNotPermitted called if this process may not bind the sentinel of a slice
   */
  constructor(
    allowed: readonly SliceStart[],
    context: LeaseContext,
    onNotPermitted: (error: unknown) => void,
  ) {
    this.#allowed = allowed
    this.#context = context
    this.#onNotPermitted = onNotPermitted
  }

  /** Whether another process held a slice in the last search. */
  get wasAnyHeldByOthers(): boolean {
    return this.#wasAnyHeldByOthers
  }

  get held(): readonly Slice[] {
    return this.#held
  }

  /**
   * Calls `attempt` with each held slice, then with each other slice that can be leased, until it
   * has a result. A slice that was leased without a result is given back.
   *
   * @returns `undefined` if there is no result with any slice
   * @throws what `attempt` throws; PortsliceError ERR_PORTSLICE_NO_SOCKET, …_LOCK_DIRECTORY
   */
  async findOn<T>(attempt: (slice: Slice) => Promise<T | undefined>): Promise<T | undefined> {
    for (const slice of this.#held) {
      const result = await attempt(slice)
      if (result !== undefined) return result
    }
    if (this.#isExhausted) return undefined
    this.#wasAnyHeldByOthers = false
    let tried = 0
    let leased = 0
    for (const first of this.#allowed) {
      // Held by another allocator of this process.
      if (heldSlices().has(first)) continue
      if (++tried % SLICES_PER_TURN === 0) await nextTurn()
      const slice = await this.#lease(first)
      if (!slice) continue
      leased++
      let result: T | undefined
      try {
        result = await attempt(slice)
      } finally {
        if (result === undefined) await slice.giveBackWhenUnused()
      }
      if (result === undefined) continue
      this.#held.push(slice)
      return result
    }
    this.#isExhausted = leased === 0
    return undefined
  }

  /** Lets the next search look at all slices again. */
  beginRound(): void {
    this.#isExhausted = false
  }

  async #lease(first: SliceStart): Promise<Slice | undefined> {
    try {
      const slice = await Slice.lease(first, this.#context)
      this.#wasAnyHeldByOthers ||= slice === undefined
      return slice
    } catch (error) {
      // The process may still be permitted to bind the ports of other slices.
      if (!isNotPermitted(error)) throw error
      this.#onNotPermitted(error)
      return undefined
    }
  }

  /** Gives back the slices of which no port is out. */
  async giveBackUnused(): Promise<void> {
    const unused = this.#held.filter((slice) => !slice.isInUse)
    for (const slice of unused) this.#held.splice(this.#held.indexOf(slice), 1)
    await Promise.all(unused.map((slice) => slice.giveBackWhenUnused()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((slice) => slice.giveBackWhenUnused()))
  }
}
