/** The journal file of a slice that is held: appended to, and rewritten before it grows large. */
import { closeSync, existsSync, writeSync } from 'node:fs'
import { makeOwnFile, replaceOwnFile } from './own-file.js'

/**
 * Bytes by which a journal may grow before it is rewritten: some hundred takes and releases. It
 * stays quick to read, as `list` may read 700 of them.
 */
const REWRITE_AFTER = 32 * 1024

/** One line of a journal, as it is written. */
export function formatLine(line: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(line)}\n`
}

export class Journal {
  readonly #path: string
  #file: number | undefined
  /** Bytes that the file may grow by before it is to be rewritten. */
  #room = 0

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Whether the file is at its path. A journal at the path that another holder has written since,
   * after this one lost its lock, counts as well: it is left alone.
   */
  exists(): boolean {
    return this.#file !== undefined && existsSync(this.#path)
  }

  /** @returns whether the line is in the file; if not, the journal has to be rewritten */
  append(line: string): boolean {
    if (this.#file === undefined || this.#room < 0) return false
    try {
      const written = writeSync(this.#file, line)
      this.#room -= written
      // On a full disk half a line may be written.
      if (written === Buffer.byteLength(line)) return true
    } catch {
      // The rewrite, which is tried next, says what is wrong.
    }
    this.#room = -1
    return false
  }

  /**
   * Writes the whole file again.
   *
   * @param head what a death in the middle may lose
   * @param carried what it must not lose
   * @throws the system's error; the journal then has to be rewritten later
   */
  rewrite(head: string, carried: string): void {
    this.close()
    this.#file =
      carried === '' ? makeOwnFile(this.#path, head) : replaceOwnFile(this.#path, head + carried)
    this.#room = REWRITE_AFTER
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    try {
      closeSync(file)
    } catch {
      // A delayed write error: the lines are in a file that is given up anyway.
    }
  }
}
