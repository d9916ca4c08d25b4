/** Which ports of a held slice may be handed out, and in which order they are tried. */

import { Date } from '../platform/clock.js'
import { AVOIDED_PORTS } from '../slice/avoided-ports.js'
import type { HeldSlice } from '../slice/held-slice.js'
import { QUARANTINE } from '../slice/journal.js'
import { hash, PORTS_PER_SLICE } from '../slice/layout.js'

export class SlicePorts {
  readonly slice: HeldSlice
  readonly #out = new Set<number>()
  /** Where the next round begins, so that a port just released is the last to come back. */
  #cursor = 0

  constructor(slice: HeldSlice) {
    this.slice = slice
  }

  /**
   * The runs of consecutive ports that may be tried now, as their first ports; `keys` has an
   * entry for each port of the run.
   *
   * With a key: first the port that it had last, then the one that the key itself points at,
   * so that it is found again without any memory. Ports that other keys had come last.
   */
  *starts(
    keys: readonly (string | undefined)[],
    order: 'sequential' | 'random',
  ): Generator<number> {
    const positions = PORTS_PER_SLICE - keys.length + 1
    const mayTry = (offset: number) =>
      keys.every((own, index) => this.#mayTry(this.slice.first + offset + index, own))
    const isForOthers = (offset: number) =>
      keys.some((own, index) =>
        this.slice.keys.isForAnother(this.slice.first + offset + index, own),
      )

    const [key] = keys
    const known = key === undefined ? undefined : this.#lastPortOf(key)
    if (known !== undefined) {
      const offset = known - this.slice.first
      if (offset < positions && mayTry(offset)) yield known
    }
    const begin = key === undefined ? this.#cursor : hash(key)
    const round =
      order === 'random' && key === undefined ? shuffled(positions) : roundFrom(begin, positions)
    const left: number[] = []
    for (const offset of round) {
      if (!mayTry(offset)) continue
      if (isForOthers(offset)) left.push(offset)
      else yield this.slice.first + offset
    }
    for (const offset of left) if (mayTry(offset)) yield this.slice.first + offset
  }

  take(port: number, key: string | undefined): void {
    this.#out.add(port)
    this.slice.quarantined.delete(port)
    this.slice.keys.taken(port, key)
    // A key says where to look; the round of the others goes on from where it was.
    if (key === undefined) this.#cursor = (port - this.slice.first + 1) % PORTS_PER_SLICE
  }

  release(port: number): void {
    this.#out.delete(port)
  }

  #mayTry(port: number, key: string | undefined): boolean {
    return !AVOIDED_PORTS.has(port) && !this.#out.has(port) && !this.#isQuarantined(port, key)
  }

  #isQuarantined(port: number, key: string | undefined): boolean {
    const entry = this.slice.quarantined.get(port)
    if (entry === undefined || (key !== undefined && entry.key === key)) return false
    const left = entry.until - Date.now()
    return left > 0 && left <= QUARANTINE // More than that: the clock was set back.
  }

  #lastPortOf(key: string): number | undefined {
    for (const entry of this.slice.quarantined.values()) {
      if (entry.key === key) return entry.port
    }
    return this.slice.keys.portOf(key)
  }
}

function* roundFrom(begin: number, count: number): Generator<number> {
  for (let step = 0; step < count; step++) yield (begin + step) % count
}

/** 0 to `count` - 1, each once (Fisher–Yates). */
function shuffled(count: number): number[] {
  const result = Array.from({ length: count }, (_, each) => each)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as number, result[i] as number]
  }
  return result
}
