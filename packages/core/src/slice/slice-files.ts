import { codeOf, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { clearTimeout, setTimeout } from '../platform/clock.js'
import { kernelTime } from '../platform/kernel-time.js'
import { EarlierClaims } from './earlier-claims.js'
import { lockToken } from './find-lock.js'
import { formatLine, Journal, timestamp } from './journal.js'
import type { SliceStart } from './layout.js'
import type { LeaseContext } from './lease-context.js'
import { Lock } from './lock.js'
import { ensureLockDirectory, lockDirectoryError } from './lock-directory.js'
import type { PortTable } from './port-table.js'
import { historyPath, journalPath } from './slice-paths.js'
import { parseJournal, readSliceRecord } from './slice-record.js'

/** Never fatal: the sentinel still protects the slice. */
const TEMPORARY_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ENOENT'])
/** The delay before a lost lock or an unwritten journal is tried again; it doubles. */
const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 2000

/** The lock and the journal of a held slice. If one is lost or cannot be written, it is restored later. */
export class SliceFiles {
  readonly #first: SliceStart
  readonly #lockDirectory: string
  readonly #context: LeaseContext
  readonly #ports: PortTable
  readonly #lock: Lock
  readonly #journal: Journal
  readonly #claims: EarlierClaims
  readonly #leasedAt = timestamp()

  #needsRestoring = false
  #retry: NodeJS.Timeout | undefined
  #retryDelay = FIRST_RETRY_MS
  #restoring: Promise<void> | undefined
  #isOpen = false
  #isEnding = false

  constructor(first: SliceStart, lockDirectory: string, context: LeaseContext, ports: PortTable) {
    this.#first = first
    this.#lockDirectory = lockDirectory
    this.#context = context
    this.#ports = ports
    const { host } = context.holder
    this.#lock = new Lock(lockDirectory, first, host, {
      refreshed: () => this.#checkJournal(),
      lost: () => this.#restoreLater(),
    })
    this.#journal = new Journal(
      journalPath(lockDirectory, first),
      historyPath(lockDirectory, first),
    )
    this.#claims = new EarlierClaims(lockDirectory, host, ports)
  }

  /** @returns false if a holder in another network namespace has the lock */
  async open(): Promise<boolean> {
    if (!(await this.#acquireLock())) return false
    const journal = this.#journal.takeOver()
    if (journal !== undefined) this.#ports.load(parseJournal(journal))
    await this.#claims.load(this.#first)
    this.#rewriteJournal()
    this.#removeDeadClaimNotes()
    this.#isOpen = true
    return true
  }

  async #acquireLock(): Promise<boolean> {
    try {
      if (!(await this.#lock.acquire())) return false
      this.#context.hasAcquiredLock = true
    } catch (error) {
      const isTemporary = this.#context.hasAcquiredLock || TEMPORARY_ERRORS.has(codeOf(error))
      if (isOutOfDescriptors(error) || !isTemporary) throw this.#asLockDirectoryError(error)
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    return true
  }

  #asLockDirectoryError(error: unknown): unknown {
    if (error instanceof PortsliceError || isOutOfDescriptors(error)) return error
    const reason = `cannot be written to (${(error as Error).message})`
    return lockDirectoryError(this.#lockDirectory, reason, error)
  }

  /** Whether the port has a claim that is older than the lease, or is quarantined because its claimer has died. */
  async isClaimed(port: number): Promise<boolean> {
    if (!this.#claims.has(port)) return false
    if (await this.#claims.isClaimed(port)) return true
    if (!this.#claims.hasDead) return false
    this.#rewriteJournal()
    this.#removeDeadClaimNotes()
    return this.#ports.quarantineLeftMs(port) > 0
  }

  #removeDeadClaimNotes(): void {
    if (!this.#needsRestoring) this.#claims.removeDeadNotes()
  }

  /** Call before the port is handed out. Creates the journal again if it was deleted. */
  writeTake(line: string): void {
    if (!this.#journal.exists() || !this.#journal.append(line)) this.#rewriteJournal()
  }

  writeRelease(line: string): void {
    if (!this.#journal.append(line)) this.#rewriteJournal()
  }

  #checkJournal(): void {
    if (this.#isOpen && !this.#isEnding && !this.#journal.exists()) this.#rewriteJournal()
  }

  /** Omits obsolete lines. If the journal cannot be written now, it is written later. */
  #rewriteJournal(): void {
    try {
      ensureLockDirectory(this.#lockDirectory)
      // Without the lock, the journal may belong to another holder.
      if (this.#lock.isOurs()) {
        this.#writeJournal()
        return
      }
    } catch (error) {
      this.#context.onTrouble(error)
    }
    this.#restoreLater()
  }

  #writeJournal(): void {
    const { holder } = this.#context
    const head = { v: 1, event: 'lease', ...holder, at: this.#leasedAt, lock: this.#lock.token }
    this.#journal.rewrite(formatLine(head), this.#ports.lines())
  }

  #restoreLater(): void {
    this.#needsRestoring = true
    if (this.#retry !== undefined || this.#isEnding) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#restoring = this.#restore()
    }, this.#retryDelay).unref()
    this.#retryDelay = Math.min(this.#retryDelay * 2, LAST_RETRY_MS)
  }

  async #restore(): Promise<void> {
    if (this.#isEnding) return
    this.#needsRestoring = false
    try {
      const isKept = this.#lock.isRefreshed && this.#lock.isOurs()
      if (!isKept && !(await this.#lock.acquire())) return this.#restoreLater()
      this.#loadOtherHolder()
      this.#rewriteJournal()
    } catch (error) {
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    if (!this.#needsRestoring) this.#retryDelay = FIRST_RETRY_MS
  }

  /** Loads the journal of a holder in between, or a journal that could not be read before. */
  #loadOtherHolder(): void {
    const record = readSliceRecord(journalPath(this.#lockDirectory, this.#first))
    if (record && record.lease?.at !== this.#leasedAt) this.#ports.load(record)
  }

  async end(): Promise<void> {
    this.#isEnding = true
    clearTimeout(this.#retry)
    // Restoring must not collide with the next holder of the sentinel.
    await this.#restoring
    this.#endJournal()
    await this.#lock.release()
  }

  /** Synchronous, for the end of the process. */
  endNow(): void {
    if (this.#needsRestoring) this.#writeLastJournal()
    this.#endJournal()
    this.#lock.releaseNow()
  }

  /** The next holder must know which ports are out, even if the lock is lost at the moment. */
  #writeLastJournal(): void {
    try {
      ensureLockDirectory(this.#lockDirectory)
      const token = lockToken(this.#lockDirectory, this.#first)
      if (token === undefined || token === this.#lock.token) this.#writeJournal()
    } catch {}
  }

  #endJournal(): void {
    // A deleted lock directory is not created again for this.
    if (this.#journal.exists())
      this.#journal.append(formatLine({ event: 'end', at: timestamp(), time: kernelTime() }))
    this.#journal.close()
  }
}
