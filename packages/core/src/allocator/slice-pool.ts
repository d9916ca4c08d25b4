/** The slices that an allocator holds, and those that it may lease. */
import { nextTurn } from '../platform/clock.js'
import { isNotPermitted } from '../probe/bind-errors.js'
import type { SliceStart } from '../slice/layout.js'
import { heldSlices, type LeaseContext, Slice } from '../slice/slice.js'

const SLICES_PER_TURN = 16

export class SlicePool {
  readonly #allowed: readonly SliceStart[]
  readonly #context: LeaseContext
  readonly #onRefused: (error: unknown) => void
  readonly #held: Slice[] = []
  #wasAnyHeldByOthers = false
  /** Whether the last search of this round could lease no slice at all: then no other one can. */
  #hasNoneLeft = false

  /**
   * @param allowed what may be leased, in the order in which it is tried
   * @param onRefused told when this process may not bind the sentinel of a slice
   */
  constructor(
    allowed: readonly SliceStart[],
    context: LeaseContext,
    onRefused: (error: unknown) => void,
  ) {
    this.#allowed = allowed
    this.#context = context
    this.#onRefused = onRefused
  }

  /** Whether a slice could not be leased in the last search because another process holds it. */
  get wasAnyHeldByOthers(): boolean {
    return this.#wasAnyHeldByOthers
  }

  get held(): readonly Slice[] {
    return this.#held
  }

  /**
   * Tries `attempt` on every slice that is held, then on every other that can be leased, until it
   * gives a result. A slice that was leased for nothing is given back.
   *
   * @returns `undefined` when there is no result on any of them
   * @throws what `attempt` throws; PortsliceError ERR_PORTSLICE_NO_SOCKET, …_LOCK_DIRECTORY
   */
  async findOn<T>(attempt: (slice: Slice) => Promise<T | undefined>): Promise<T | undefined> {
    for (const slice of this.#held) {
      const result = await attempt(slice)
      if (result !== undefined) return result
    }
    if (this.#hasNoneLeft) return undefined
    this.#wasAnyHeldByOthers = false
    let tried = 0
    let isNone = true
    for (const first of this.#allowed) {
      // Other allocators of this process hold theirs as long as they like.
      if (heldSlices().has(first)) continue
      // A bind that fails waits for nothing: the rest of the process would have no turn.
      if (++tried % SLICES_PER_TURN === 0) await nextTurn()
      const slice = await this.#lease(first)
      if (!slice) continue
      isNone = false
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
    this.#hasNoneLeft = isNone
    return undefined
  }

  /** Others may have given slices back: the next search looks again. */
  beginRound(): void {
    this.#hasNoneLeft = false
  }

  async #lease(first: SliceStart): Promise<Slice | undefined> {
    try {
      const slice = await Slice.lease(first, this.#context)
      this.#wasAnyHeldByOthers ||= slice === undefined
      return slice
    } catch (error) {
      // Of others this process may be allowed to bind the ports.
      if (!isNotPermitted(error)) throw error
      this.#onRefused(error)
      return undefined
    }
  }

  /** Gives back all slices of which no port is out. */
  async giveBackUnused(): Promise<void> {
    const unused = this.#held.filter((slice) => !slice.isInUse)
    for (const slice of unused) this.#held.splice(this.#held.indexOf(slice), 1)
    await Promise.all(unused.map((slice) => slice.giveBackWhenUnused()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((slice) => slice.giveBackWhenUnused()))
  }
}
