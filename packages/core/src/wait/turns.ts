import { monotonicNow } from '../platform/clock.js'
import { FIRST_DELAY_MS } from './wait-list.js'

/** Processes that have waited for a while try at least once in this time. */
const YIELD_MS = 100
/** After this many turns that succeed at the first try, no other process seems to wait. */
const TURNS_WITHOUT_WAIT = 3

/** A process that asks again right after its turn would overtake others, so it lets them try first. */
export class Turns {
  /** In how many further turns another process is expected to wait. */
  #contendedTurns = 0
  #endedAt = Number.NEGATIVE_INFINITY

  /** @returns an attempt that lets others try first if one is expected to wait, unless the timeout is short */
  begin<T>(
    attempt: () => Promise<T | undefined>,
    timeout: number,
    isHeldByOthers: () => boolean,
  ): () => Promise<T | undefined> {
    const letsOthersTry = this.#contendedTurns > 0 && timeout > 2 * FIRST_DELAY_MS
    const earliest = letsOthersTry ? this.#endedAt + YIELD_MS : Number.NEGATIVE_INFINITY
    let isFirst = true
    return async () => {
      if (monotonicNow() < earliest) return undefined
      const result = await attempt()
      if (result !== undefined && isFirst && this.#contendedTurns > 0) this.#contendedTurns--
      if (result === undefined && isHeldByOthers()) this.#contendedTurns = TURNS_WITHOUT_WAIT
      isFirst = false
      return result
    }
  }

  end(): void {
    this.#endedAt = monotonicNow()
  }
}

export class TurnsByName {
  readonly #turns = new Map<string, Turns>()

  of(name: string): Turns {
    const known = this.#turns.get(name) ?? new Turns()
    this.#turns.set(name, known)
    return known
  }
}
