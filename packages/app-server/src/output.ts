import { stripVTControlCharacters } from 'node:util'

/** In characters. Enough for the log of a failing test; a server may print for hours. */
const MAX_KEPT_CHARACTERS = 1_000_000
const TAIL_LINES = 20
const MAX_LINE_LENGTH = 500

/** The output of a process, up to a limit. */
export class Output {
  #chunks: string[] = []
  #kept = 0
  #dropped = 0

  append(chunk: string): void {
    this.#chunks.push(chunk)
    this.#kept += chunk.length
    // Not after each chunk, because shortening copies the whole text.
    if (this.#kept > 2 * MAX_KEPT_CHARACTERS) this.#shorten()
  }

  #shorten(): void {
    const text = this.#chunks.join('')
    const rest = text.slice(-MAX_KEPT_CHARACTERS)
    this.#dropped += text.length - rest.length
    this.#chunks = [rest]
    this.#kept = rest.length
  }

  /** How many characters were printed. */
  get end(): number {
    return this.#dropped + this.#kept
  }

  /** @param from an earlier `end`: returns the output after it */
  text(from = 0): string {
    const text = this.#chunks.join('')
    return text.slice(Math.max(0, from - this.#dropped)).slice(-MAX_KEPT_CHARACTERS)
  }

  /** The last lines for a message, without colours and other control sequences. */
  tail(): string[] {
    // Four times the limit, because control sequences are removed from it.
    const text = stripVTControlCharacters(this.text().slice(-4 * TAIL_LINES * MAX_LINE_LENGTH))
    return text
      .replaceAll('\t', '  ')
      .split(/[\r\n]+/)
      .filter((line) => line.trim() !== '')
      .slice(-TAIL_LINES)
      .map((line) => (line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}…` : line))
  }
}
