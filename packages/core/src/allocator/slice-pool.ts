/** The slices that an allocator holds, and those that it may lease. */
import { isOutOfDescriptors, PortsliceError } from '../errors.js'
import type { SliceStart } from '../slice/layout.js'
import { type LeaseContext, Slice } from '../slice/slice.js'

export class SlicePool {
  readonly #allowed: readonly SliceStart[]
  readonly #context: LeaseContext
  readonly #held: Slice[] = []

  /** @param allowed what may be leased, in the order in which it is tried */
  constructor(allowed: readonly SliceStart[], context: LeaseContext) {
    this.#allowed = allowed
    this.#context = context
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
    const own = new Set(this.#held.map(({ first }) => first))
    for (const first of this.#allowed) {
      const slice = own.has(first) ? undefined : await this.#lease(first)
      if (!slice) continue
      let result: T | undefined
      try {
        result = await attempt(slice)
      } finally {
        if (result === undefined) await slice.giveBack()
      }
      if (result === undefined) continue
      this.#held.push(slice)
      return result
    }
    return undefined
  }

  async #lease(first: SliceStart): Promise<Slice | undefined> {
    try {
      return await Slice.lease(first, this.#context)
    } catch (error) {
      if (error instanceof PortsliceError || isOutOfDescriptors(error)) throw error
      throw new PortsliceError(
        'ERR_PORTSLICE_NO_SOCKET',
        `No UDP socket can be bound on 127.0.0.1 (${(error as Error).message}).`,
        {
          advice:
            'portslice needs the loopback interface to be up and sockets to be allowed: see `ip addr show lo` and the sandbox that this runs in.',
          cause: error,
        },
      )
    }
  }

  /** Gives back all slices of which no port is out. */
  async giveBackUnused(): Promise<void> {
    const unused = this.#held.filter((slice) => !slice.isInUse)
    for (const slice of unused) this.#held.splice(this.#held.indexOf(slice), 1)
    await Promise.all(unused.map((slice) => slice.giveBack()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((slice) => slice.giveBackWhenUnused()))
  }
}
