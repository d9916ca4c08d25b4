import type { ClaimContext } from '../claim/claim-context.js'
import { nextTurn } from '../platform/clock.js'
import { isNotPermitted } from '../probe/bind-errors.js'
import type { SliceStart } from '../slice/layout.js'
import type { LeasedSlice } from '../slice/leased-slice.js'
import { heldSlices, Slice } from '../slice/slice.js'

/** A failed bind does not yield to the event loop, so the search yields after this many slices. */
const SLICES_PER_TURN = 16

/** The slices that an allocator holds. Leases further ones if these have no port left. */
export class SlicePool {
  readonly #allowed: Iterable<SliceStart>
  readonly #context: ClaimContext
  readonly #onNotPermitted: (error: unknown) => void
  readonly #held: LeasedSlice[] = []
  #wasAnyHeldByOthers = false
  /** No slice could be leased in this round, so further searches are skipped. */
  #isExhausted = false

  constructor(
    allowed: Iterable<SliceStart>,
    context: ClaimContext,
    onNotPermitted: (error: unknown) => void,
  ) {
    this.#allowed = allowed
    this.#context = context
    this.#onNotPermitted = onNotPermitted
  }

  get wasAnyHeldByOthers(): boolean {
    return this.#wasAnyHeldByOthers
  }

  get held(): readonly LeasedSlice[] {
    return this.#held
  }

  /** Tries each held slice, then each that can be leased. A slice without a result is given back. */
  async findOn<T>(attempt: (slice: LeasedSlice) => Promise<T | undefined>): Promise<T | undefined> {
    for (const slice of this.#held) {
      const result = await attempt(slice)
      if (result !== undefined) return result
    }
    if (this.#isExhausted) return undefined
    this.#wasAnyHeldByOthers = false
    const { remote } = this.#context
    let tried = 0
    let leased = 0
    for (const first of this.#allowed) {
      // Held by another allocator of this process.
      if (remote ? remote.holds(first) : heldSlices().has(first)) continue
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

  /** Call before further searches: slices may have been given back since. */
  beginRound(): void {
    this.#isExhausted = false
  }

  async #lease(first: SliceStart): Promise<LeasedSlice | undefined> {
    try {
      const { remote } = this.#context
      const slice = await (remote ? remote.leaseSlice(first) : Slice.lease(first, this.#context))
      this.#wasAnyHeldByOthers ||= slice === undefined
      return slice
    } catch (error) {
      // The process may still be permitted to bind the ports of other slices.
      if (!isNotPermitted(error)) throw error
      this.#onNotPermitted(error)
      return undefined
    }
  }

  async giveBackUnused(): Promise<void> {
    const unused = this.#held.filter((slice) => !slice.isInUse)
    for (const slice of unused) this.#held.splice(this.#held.indexOf(slice), 1)
    await Promise.all(unused.map((slice) => slice.giveBackWhenUnused()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((slice) => slice.giveBackWhenUnused()))
  }
}
