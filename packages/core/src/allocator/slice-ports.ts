/** Which ports of a held slice may be handed out, and in which order they are tried. */
import { AVOIDED_PORTS } from '../arithmetic/avoided-ports.js'
import { hash, PORTS_PER_SLICE } from '../arithmetic/slices.js'
import { Date } from '../real-time.js'
import type { HeldSlice } from '../slice/held-slice.js'

export class SlicePorts {
  readonly slice: HeldSlice
  readonly #out = new Set<number>()
  /** Where the next round begins, so that a port just released is the last to come back. */
  #cursor = 0

  constructor(slice: HeldSlice) {
    this.slice = slice
  }

  /**
   * The runs of `count` consecutive ports that may be tried now, as their first ports.
   *
   * With a key: first the port that was out under it when the last holder died, then the
   * one that the key itself points at, so that it is found again without any memory.
   */
  *starts(count: number, order: 'sequential' | 'random', key?: string): Generator<number> {
    const positions = PORTS_PER_SLICE - count + 1
    const offsets = Array.from({ length: positions }, (_, offset) => offset)
    const begin = key === undefined ? this.#cursor : hash(key)
    const round =
      order === 'random' && key === undefined
        ? shuffled(offsets)
        : offsets.map((offset) => (begin + offset) % positions)
    const known = key === undefined ? undefined : this.#quarantinedFor(key)
    const preferred = known === undefined ? [] : [known - this.slice.first]
    for (const offset of [...preferred, ...round]) {
      const first = this.slice.first + offset
      if (offset < positions && this.#mayTry(first, count, key)) yield first
    }
  }

  take(port: number): void {
    this.#out.add(port)
    this.slice.quarantined.delete(port)
    this.#cursor = (port - this.slice.first + 1) % PORTS_PER_SLICE
  }

  release(port: number): void {
    this.#out.delete(port)
  }

  #mayTry(first: number, count: number, key: string | undefined): boolean {
    for (let port = first; port < first + count; port++) {
      if (AVOIDED_PORTS.has(port) || this.#out.has(port) || this.#isQuarantined(port, key)) {
        return false
      }
    }
    return true
  }

  #isQuarantined(port: number, key: string | undefined): boolean {
    const entry = this.slice.quarantined.get(port)
    return (
      entry !== undefined && entry.until > Date.now() && (key === undefined || entry.key !== key)
    )
  }

  #quarantinedFor(key: string): number | undefined {
    for (const entry of this.slice.quarantined.values()) {
      if (entry.key === key) return entry.port
    }
    return undefined
  }
}

/** Fisher–Yates. */
function shuffled<T>(values: readonly T[]): T[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as T, result[i] as T]
  }
  return result
}
