/** Collects the changes of one file. Text outside of the changed ranges stays as it is. */
import MagicString from 'magic-string'
import type { Node } from './syntax-tree.js'

interface Range {
  start: number
  end: number
}

export class SourceEdits {
  readonly #text: MagicString
  readonly #replaced: Range[] = []
  readonly code: string
  /** The line ending of this file. */
  readonly lineEnd: string

  constructor(code: string) {
    this.code = code
    this.#text = new MagicString(code)
    this.lineEnd = /\r\n/.test(code) ? '\r\n' : '\n'
  }

  replace({ start, end }: Range, text: string): void {
    this.#replaced.push({ start, end })
    this.#text.overwrite(start, end, text)
  }

  insertBefore(index: number, text: string): void {
    this.#text.appendLeft(index, text)
  }

  insertAfter({ end }: Range, text: string): void {
    this.#text.appendRight(end, text)
  }

  remove({ start, end }: Range): void {
    this.#replaced.push({ start, end })
    this.#text.remove(start, end)
  }

  /** Removes a statement, and its line if the line contains nothing else. */
  removeStatement({ start, end }: Range): void {
    const lineStart = this.code.lastIndexOf('\n', start - 1) + 1
    const newline = this.code.indexOf('\n', end)
    const lineEnd = newline < 0 ? this.code.length : newline + 1
    const isAlone =
      this.code.slice(lineStart, start).trim() === '' && this.code.slice(end, lineEnd).trim() === ''
    this.remove(isAlone ? { start: lineStart, end: lineEnd } : { start, end })
  }

  /** Whether this range, or a range around it, was replaced or removed. */
  isReplaced({ start, end }: Range | Node): boolean {
    return this.#replaced.some((range) => range.start <= start && end <= range.end)
  }

  toString(): string {
    return this.#text.toString()
  }
}
