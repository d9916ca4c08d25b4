import { codeOf, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { clearTimeout, nextTurn, setTimeout } from '../platform/clock.js'
import { events, skipPort } from '../platform/events.js'
import { kernelTime } from '../platform/kernel-time.js'
import { type HeldUdpPort, holdUdpPort } from '../probe/held-udp.js'
import { atProcessExit, processWide } from '../process-state.js'
import { EarlierClaims } from './earlier-claims.js'
import { lockToken } from './find-lock.js'
import { formatLine, Journal, timestamp } from './journal.js'
import { type SliceStart, sentinelOf } from './layout.js'
import type { LeasedSlice } from './leased-slice.js'
import { Lock } from './lock.js'
import {
  ensureLockDirectory,
  historyPath,
  journalPath,
  lockDirectoryError,
} from './lock-directory.js'
import { type PortOrder, type PortPurpose, PortTable } from './port-table.js'
import { type LeaseRecord, type PortRecord, parseJournal, readSliceRecord } from './slice-record.js'

export interface LeaseContext {
  readonly lockDirectory: string | undefined
  readonly holder: Omit<LeaseRecord, 'at'>
  /** The slice is held anyway. */
  readonly onTrouble: (error: unknown) => void
  /** Whether a lock was acquired before; then errors of the lock directory are not fatal. */
  hasServed: boolean
}

/** Never fatal: the sentinel still protects the slice. */
const TEMPORARY_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ENOENT'])
/** The delay before a lost lock or an unwritten journal is tried again; it doubles. */
const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 2000

export function heldSlices(): Map<SliceStart, Slice> {
  return processWide('held slices', () => new Map<SliceStart, Slice>())
}

export class Slice implements LeasedSlice {
  readonly first: SliceStart
  readonly #context: LeaseContext
  readonly #sentinel: HeldUdpPort
  readonly #ports: PortTable
  readonly #lock: Lock | undefined
  readonly #journal: Journal | undefined
  readonly #leasedAt = timestamp()
  readonly #claims: EarlierClaims | undefined
  #removeExitTask = () => {}

  #needsRestoring = false
  #retry: NodeJS.Timeout | undefined
  #retryDelay = FIRST_RETRY_MS
  #restoring: Promise<void> | undefined
  #isOpen = false
  #isClosing = false
  #givenBack: Promise<void> | undefined

  private constructor(first: SliceStart, context: LeaseContext, sentinel: HeldUdpPort) {
    this.first = first
    this.#context = context
    this.#sentinel = sentinel
    this.#ports = new PortTable(first, context.holder.projectRoot)
    const { lockDirectory, holder } = context
    if (lockDirectory === undefined) return
    this.#lock = new Lock(lockDirectory, first, holder.host, {
      refreshed: () => this.#checkJournal(),
      lost: () => this.#restoreLater(),
    })
    this.#journal = new Journal(
      journalPath(lockDirectory, first),
      historyPath(lockDirectory, first),
    )
    this.#claims = new EarlierClaims(lockDirectory, holder.host, this.#ports)
  }

  /** @returns `undefined` if another process holds the slice */
  static async lease(first: SliceStart, context: LeaseContext): Promise<Slice | undefined> {
    const sentinel = await holdUdpPort(sentinelOf(first))
    if (!sentinel) return skipSlice(first, 'held')
    const slice = new Slice(first, context, sentinel)
    let isLeased = false
    try {
      if (!(await slice.#acquireLock())) return skipSlice(first, 'locked')
      await slice.#load()
      slice.#rewriteJournal()
      slice.#removeDeadClaimNotes()
      slice.#removeExitTask = atProcessExit(() => slice.#endNow())
      heldSlices().set(first, slice)
      slice.#isOpen = true
      isLeased = true
      if (events.lease.hasSubscribers) {
        const { last } = slice
        events.lease.publish({ first, last, lockDirectory: context.lockDirectory })
      }
      return slice
    } finally {
      if (!isLeased) await slice.giveBack()
    }
  }

  get last(): number {
    return sentinelOf(this.first)
  }

  get isInUse(): boolean {
    return this.#ports.isInUse
  }

  get counts(): Readonly<Record<PortRecord['state'], number>> {
    return this.#ports.counts
  }

  candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    return this.#ports.candidates(keys, order)
  }

  isOut(port: number): boolean {
    return this.#ports.isOut(port)
  }

  quarantineLeft(port: number): number {
    return this.#ports.quarantineLeft(port)
  }

  /** Consecutive ports, if all are usable. @returns whether they are taken and in the journal */
  async tryTake(
    first: number,
    purposes: readonly PortPurpose[],
    isUsable: (port: number) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    if (this.#isClosing) return false
    const ports = purposes.map((_, index) => first + index)
    this.#ports.reserve(ports)
    try {
      for (const port of ports) {
        if (await this.#isClaimed(port)) {
          skipPort(port, 'claimed')
          return false
        }
        if (!(await isUsable(port))) return false
      }
      if (this.#givenBack) return false
      for (const [index, purpose] of purposes.entries()) {
        const port = first + index
        this.#write(this.#ports.take(port, purpose), this.#journal?.exists())
        if (events.take.hasSubscribers) {
          const { label, key } = purpose
          events.take.publish({ port, label, key })
        }
      }
      return true
    } finally {
      this.#ports.unreserve(ports)
      this.#closeIfUnused()
    }
  }

  release(port: number, leaked: boolean): void {
    this.#write(this.#ports.release(port, leaked))
    if (events.release.hasSubscribers) events.release.publish({ port, leaked })
    this.#closeIfUnused()
  }

  #closeIfUnused(): void {
    if (this.#isClosing && !this.isInUse) void this.giveBack()
  }

  /** Once its last port, which may be a claimed one, is released. */
  async giveBackWhenUnused(): Promise<void> {
    this.#close()
    if (!this.isInUse) await this.giveBack()
  }

  /** The next holder quarantines ports that are out. */
  giveBack(): Promise<void> {
    this.#givenBack ??= this.#end()
    return this.#givenBack
  }

  #close(): void {
    this.#isClosing = true
    if (heldSlices().get(this.first) === this) heldSlices().delete(this.first)
  }

  async #end(): Promise<void> {
    this.#close()
    this.#removeExitTask()
    clearTimeout(this.#retry)
    // It must not collide with the next holder of the sentinel.
    await this.#restoring
    this.#endJournal()
    await this.#lock?.release()
    await this.#sentinel.close()
    if (this.#isOpen && events.giveBack.hasSubscribers) {
      events.giveBack.publish({ first: this.first, last: this.last })
    }
    // The rest may have been synchronous: a loop of leases must not block the process.
    await nextTurn()
  }

  /** Synchronous, for the end of the process. */
  #endNow(): void {
    if (this.#needsRestoring) this.#writeLastJournal()
    this.#endJournal()
    this.#lock?.releaseNow()
  }

  /** The next holder must know which ports are out, even if the lock is lost at the moment. */
  #writeLastJournal(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined) return
    try {
      ensureLockDirectory(lockDirectory)
      const token = lockToken(lockDirectory, this.first)
      if (token === undefined || token === this.#lock?.token) this.#writeJournal()
    } catch {}
  }

  #endJournal(): void {
    const journal = this.#journal
    // A deleted lock directory is not created again for this.
    if (journal?.exists())
      journal.append(formatLine({ event: 'end', at: timestamp(), time: kernelTime() }))
    journal?.close()
  }

  async #acquireLock(): Promise<boolean> {
    if (!this.#lock) return true
    try {
      if (!(await this.#lock.acquire())) return false
      this.#context.hasServed = true
    } catch (error) {
      const isTemporary = this.#context.hasServed || TEMPORARY_ERRORS.has(codeOf(error))
      if (isOutOfDescriptors(error) || !isTemporary) throw this.#asLockDirectoryError(error)
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    return true
  }

  #asLockDirectoryError(error: unknown): unknown {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined || error instanceof PortsliceError) return error
    if (isOutOfDescriptors(error)) return error
    return lockDirectoryError(
      lockDirectory,
      `cannot be written to (${(error as Error).message})`,
      error,
    )
  }

  async #load(): Promise<void> {
    const journal = this.#journal?.takeOver()
    if (journal !== undefined) this.#ports.load(parseJournal(journal))
    await this.#claims?.load(this.first)
  }

  async #isClaimed(port: number): Promise<boolean> {
    if (!this.#claims?.has(port)) return false
    if (await this.#claims.isClaimed(port)) return true
    if (!this.#claims.hasDead) return false
    this.#rewriteJournal()
    this.#removeDeadClaimNotes()
    return this.quarantineLeft(port) > 0
  }

  #removeDeadClaimNotes(): void {
    if (!this.#needsRestoring) this.#claims?.removeDeadNotes()
  }

  #checkJournal(): void {
    if (this.#isOpen && !this.#givenBack && !this.#journal?.exists()) this.#rewriteJournal()
  }

  #write(line: string, mayAppend = true): void {
    if (!this.#journal) return
    if (mayAppend && this.#journal.append(line)) return
    this.#rewriteJournal()
  }

  /** Without obsolete lines; later if that is not possible now. */
  #rewriteJournal(): void {
    const { lockDirectory, onTrouble } = this.#context
    if (!this.#journal || !this.#lock || lockDirectory === undefined) return
    try {
      ensureLockDirectory(lockDirectory)
      // Without the lock, the journal may belong to another holder.
      if (this.#lock.isOurs()) {
        this.#writeJournal()
        return
      }
    } catch (error) {
      onTrouble(error)
    }
    this.#restoreLater()
  }

  #writeJournal(): void {
    const { holder } = this.#context
    const head = { v: 1, event: 'lease', ...holder, at: this.#leasedAt, lock: this.#lock?.token }
    this.#journal?.rewrite(formatLine(head), this.#ports.lines())
  }

  /** Of a holder in between, or one that could not be read before. */
  #loadOtherHolder(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined) return
    const record = readSliceRecord(journalPath(lockDirectory, this.first))
    if (record && record.lease?.at !== this.#leasedAt) this.#ports.load(record)
  }

  #restoreLater(): void {
    this.#needsRestoring = true
    if (this.#retry !== undefined || this.#givenBack) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#restoring = this.#restore()
    }, this.#retryDelay).unref()
    this.#retryDelay = Math.min(this.#retryDelay * 2, LAST_RETRY_MS)
  }

  async #restore(): Promise<void> {
    if (this.#givenBack) return
    this.#needsRestoring = false
    try {
      const lock = this.#lock
      const isKept = lock?.isRefreshed && lock.isOurs()
      if (!isKept && !(await lock?.acquire())) return this.#restoreLater()
      this.#loadOtherHolder()
      this.#rewriteJournal()
    } catch (error) {
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    if (!this.#needsRestoring) this.#retryDelay = FIRST_RETRY_MS
  }
}

function skipSlice(first: SliceStart, reason: 'held' | 'locked'): undefined {
  if (!events.skipSlice.hasSubscribers) return
  events.skipSlice.publish({ first, last: sentinelOf(first), reason })
}
