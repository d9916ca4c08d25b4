import { closeSync, existsSync, writeSync } from 'node:fs'
import { Date } from '../platform/clock.js'
import { archiveJournal } from './history.js'
import { createOwnFile, replaceOwnFile } from './own-file.js'
import { readJournalText } from './slice-record.js'

/** Several hundred takes and releases. Small, because `list` may read 700 journals. */
const REWRITE_AFTER_BYTES = 32 * 1024

export function formatLine(line: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(line)}\n`
}

/** Cached, because many ports can be taken in one millisecond. */
let lastTimestamp = { ms: 0, text: '' }

export function timestamp(): string {
  const ms = Date.now()
  if (ms !== lastTimestamp.ms) lastTimestamp = { ms, text: new Date(ms).toISOString() }
  return lastTimestamp.text
}

/** The file that records who leases a slice, and which ports are out. */
export class Journal {
  readonly #path: string
  readonly #historyPath: string
  #file: number | undefined
  #bytesLeft = 0

  constructor(path: string, historyPath: string) {
    this.#path = path
    this.#historyPath = historyPath
  }

  /** Copies the journal to the history, because it is about to be overwritten. @returns the text of the journal */
  takeOver(): string | undefined {
    const text = readJournalText(this.#path)
    if (text !== undefined) archiveJournal(this.#historyPath, text)
    return text
  }

  /** True also if another holder took over a lost lock, and wrote the journal: it is not replaced. */
  exists(): boolean {
    return this.#file !== undefined && existsSync(this.#path)
  }

  /** @returns whether the line was written; if not, the journal must be rewritten */
  append(line: string): boolean {
    if (this.#file === undefined || this.#bytesLeft < 0) return false
    try {
      const written = writeSync(this.#file, line)
      this.#bytesLeft -= written
      // If the disk is full, half a line may be written.
      if (written === Buffer.byteLength(line)) return true
    } catch {
      // The rewrite that follows reports the error.
    }
    this.#bytesLeft = -1
    return false
  }

  /** Writes a new file. A crash meanwhile may lose `head`, but not `carried`. @throws the system error */
  rewrite(head: string, carried: string): void {
    const isStarted = this.#file !== undefined
    this.close()
    if (isStarted) this.#archive()
    this.#file =
      carried === '' ? createOwnFile(this.#path, head) : replaceOwnFile(this.#path, head + carried)
    this.#bytesLeft = REWRITE_AFTER_BYTES
  }

  #archive(): void {
    try {
      this.takeOver()
    } catch {
      // The history is for people only.
    }
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    try {
      closeSync(file)
    } catch {
      // A delayed write error. No later write needs the file.
    }
  }
}
