import { clearTimeout, Date, setTimeout } from '../platform/clock.js'
import { kernelTime } from '../platform/kernel-time.js'
import {
  archiveClaim,
  type ClaimNote,
  readClaimNote,
  removeClaimNote,
  writeClaimNote,
} from '../slice/claim-note.js'
import type { ClaimContext } from './claim-context.js'

const CHECK_INTERVAL_MS = 5000

/** Keeps the note of a claim up to date while the claim lasts. */
export class ClaimNoteWriter {
  readonly #port: number
  readonly #context: ClaimContext
  readonly #note: ClaimNote
  #timer: NodeJS.Timeout | undefined

  constructor(port: number, context: ClaimContext) {
    const { pid, startedAt, pidNamespace, host, cwd, command } = context.holder
    const run = { ...(startedAt && { startedAt }), ...(pidNamespace && { pidNamespace }) }
    this.#port = port
    this.#context = context
    this.#note = { pid, ...run, host, cwd, command, at: new Date().toISOString() }
    this.#write(this.#note, context.onTrouble)
  }

  #write(note: ClaimNote, onTrouble?: (error: unknown) => void): void {
    const { lockDirectory } = this.#context
    if (lockDirectory !== undefined) tryWriteClaimNote(lockDirectory, this.#port, note, onTrouble)
  }

  /** Writes the note again if another program has removed it. */
  checkRegularly(): void {
    const { lockDirectory, holder } = this.#context
    if (lockDirectory === undefined) return
    this.#timer = setTimeout(() => {
      if (!readClaimNote(lockDirectory, this.#port, holder.host)) this.#write(this.#note)
      this.checkRegularly()
    }, CHECK_INTERVAL_MS).unref()
  }

  /** For a process that exits with the port claimed: its child processes may still bind the port. */
  recordExit(): void {
    this.#write({ ...this.#note, died: kernelTime() })
  }

  archiveAndRemove(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory !== undefined) archiveClaim(lockDirectory, this.#port, this.#note)
    this.remove()
  }

  remove(): void {
    clearTimeout(this.#timer)
    const { lockDirectory, holder } = this.#context
    if (lockDirectory !== undefined) removeClaimNote(lockDirectory, this.#port, holder.host)
  }
}

export function tryWriteClaimNote(
  lockDirectory: string,
  port: number,
  note: ClaimNote,
  onTrouble?: (error: unknown) => void,
): void {
  try {
    writeClaimNote(lockDirectory, port, note)
  } catch (error) {
    onTrouble?.(error)
  }
}
