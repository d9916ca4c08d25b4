/** What an app has printed: as much of it as is worth keeping. */
import { stripVTControlCharacters } from 'node:util'

/** In characters. Enough for a failing test's log; a server may print for hours. */
const MOST_KEPT = 1_000_000
const TAIL_LINES = 20
const LONGEST_LINE = 500

export class Output {
  #chunks: string[] = []
  #kept = 0
  #dropped = 0

  append(chunk: string): void {
    this.#chunks.push(chunk)
    this.#kept += chunk.length
    // What is too much is cut off now and then, not with each chunk.
    if (this.#kept > 2 * MOST_KEPT) this.#shorten()
  }

  #shorten(): void {
    const text = this.#chunks.join('')
    const rest = text.slice(-MOST_KEPT)
    this.#dropped += text.length - rest.length
    this.#chunks = [rest]
    this.#kept = rest.length
  }

  /** How much was printed so far, in characters: a place to read on from. */
  get end(): number {
    return this.#dropped + this.#kept
  }

  /** What was printed from that place on; the last million characters at most. */
  text(from = 0): string {
    const text = this.#chunks.join('')
    return text.slice(Math.max(0, from - this.#dropped)).slice(-MOST_KEPT)
  }

  /** The last lines, for a message: without colours and what else a terminal would obey. */
  tail(): string[] {
    // More than the lines that are shown can be: a terminal's codes take room as well.
    const text = stripVTControlCharacters(this.text().slice(-4 * TAIL_LINES * LONGEST_LINE))
    return text
      .replaceAll('\t', '  ')
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== '')
      .slice(-TAIL_LINES)
      .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line))
  }
}
