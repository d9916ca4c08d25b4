/** One slice that this process holds: sentinel, lock with liveness socket, journal, and its ports. */
import { codeOf, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { clearTimeout, nextTurn, Date as RealDate, setTimeout } from '../platform/clock.js'
import { elapsedSince, isComparable, kernelTime } from '../platform/kernel-time.js'
import { type HeldUdpPort, holdUdpPort, isUdpPortHeld } from '../probe/held-udp.js'
import { atProcessExit, processWide } from '../process-state.js'
import { claimNotesIn, readClaimNote, removeClaimNote } from './claim-note.js'
import { formatLine, Journal } from './journal.js'
import { type SliceStart, sentinelOf } from './layout.js'
import { Lock, lockToken } from './lock.js'
import { ensureLockDirectory, journalPath, refusal } from './lock-directory.js'
import { type PortOrder, PortTable, type PortUse } from './port-table.js'
import {
  type LeaseRecord,
  type PortRecord,
  QUARANTINE_MS,
  readSliceRecord,
} from './slice-record.js'

/** What the leases of one allocator have in common. */
export interface LeaseContext {
  /** Where locks and journals are; `undefined` to hold slices by their sentinels alone. */
  readonly lockDirectory: string | undefined
  /** Who leases. */
  readonly holder: Omit<LeaseRecord, 'at'>
  /** Told when the lock or the journal cannot be written. The slice is held all the same. */
  readonly onTrouble: (error: unknown) => void
  /** Whether the lock directory has served before: then trouble with it is taken to pass. */
  hasServed: boolean
}

/** Trouble of a lock directory that is taken to pass: the sentinel protects meanwhile. */
const PASSING_TROUBLE = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ENOENT'])
/** How soon what was lost, or could not be written, is tried again, in ms: doubling. */
const FIRST_RETRY_MS = 10
const LAST_RETRY_MS = 2000

/** The slices that this process (or thread) holds, by their first ports. */
export function heldSlices(): Map<SliceStart, Slice> {
  return processWide('held slices', () => new Map<SliceStart, Slice>())
}

export class Slice {
  readonly first: SliceStart
  readonly #context: LeaseContext
  readonly #sentinel: HeldUdpPort
  readonly #ports: PortTable
  readonly #lock: Lock | undefined
  readonly #journal: Journal | undefined
  readonly #leasedAt = new RealDate().toISOString()
  /** Ports that other processes had claimed when this slice was leased. */
  readonly #claimed = new Set<number>()
  /** Ports whose claimers have died, and whose notes are still there. */
  readonly #deadClaims: number[] = []
  #forgetExit = () => {}

  /** Whether the lock is lost, or the journal lacks a line. */
  #needsRestoring = false
  #retry: NodeJS.Timeout | undefined
  #retryDelay = FIRST_RETRY_MS
  #restoring: Promise<void> | undefined
  /** Whether it was leased, with all that belongs to it. */
  #isOpen = false
  #isLeaving = false
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
    this.#journal = new Journal(journalPath(lockDirectory, first))
  }

  /**
   * Leases a slice.
   *
   * @returns `undefined` when another process holds it
   * @throws the system's error when no socket can be had; PortsliceError
   *   ERR_PORTSLICE_LOCK_DIRECTORY when the lock directory cannot be used
   */
  static async lease(first: SliceStart, context: LeaseContext): Promise<Slice | undefined> {
    const sentinel = await holdUdpPort(sentinelOf(first))
    if (!sentinel) return undefined
    const slice = new Slice(first, context, sentinel)
    let isLeased = false
    try {
      if (!(await slice.#acquireLock())) return undefined
      await slice.#recall()
      slice.#rewriteJournal()
      slice.#removeDeadClaims()
      slice.#forgetExit = atProcessExit(() => slice.#endNow())
      heldSlices().set(first, slice)
      slice.#isOpen = true
      isLeased = true
      return slice
    } finally {
      if (!isLeased) await slice.giveBack()
    }
  }

  get last(): number {
    return sentinelOf(this.first)
  }

  /** Whether a port of it is out, or about to be. */
  get isInUse(): boolean {
    return this.#ports.isInUse
  }

  /** How many of its ports are out, leaked or quarantined. */
  get counts(): Readonly<Record<PortRecord['state'], number>> {
    return this.#ports.counts
  }

  /** See {@link PortTable.candidates}. */
  candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    return this.#ports.candidates(keys, order)
  }

  isOut(port: number): boolean {
    return this.#ports.isOut(port) || this.#ports.isReserved(port)
  }

  /** See {@link PortTable.quarantineLeft}. */
  quarantineLeft(port: number): number {
    return this.#ports.quarantineLeft(port)
  }

  /**
   * Takes consecutive ports if they can be used.
   *
   * @param first the first of them
   * @param uses what each is for
   * @param isUsable probes one port; throws when the ports are no longer wanted
   * @returns whether they are taken, and written down
   */
  async tryTake(
    first: number,
    uses: readonly PortUse[],
    isUsable: (port: number) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    if (this.#isLeaving) return false
    const ports = uses.map((_, index) => first + index)
    this.#ports.reserve(ports)
    try {
      for (const port of ports) {
        if (this.#claimed.has(port) && !(await this.#isClaimOver(port))) return false
        if (!(await isUsable(port))) return false
      }
      if (this.#givenBack) return false
      for (const [index, use] of uses.entries()) {
        this.#write(this.#ports.take(first + index, use), this.#journal?.exists())
      }
      return true
    } finally {
      this.#ports.unreserve(ports)
      this.#leaveIfUnused()
    }
  }

  release(port: number, leaked: boolean): void {
    this.#write(this.#ports.release(port, leaked))
    this.#leaveIfUnused()
  }

  #leaveIfUnused(): void {
    if (this.#isLeaving && !this.isInUse) void this.giveBack()
  }

  /** Gives the slice back once its last port is released: a claim may be in it. */
  async giveBackWhenUnused(): Promise<void> {
    this.#leave()
    if (!this.isInUse) await this.giveBack()
  }

  /** Gives the slice back now. The next holder keeps ports that are out in quarantine. */
  giveBack(): Promise<void> {
    this.#givenBack ??= this.#end()
    return this.#givenBack
  }

  /** From now on nothing more is taken from it. */
  #leave(): void {
    this.#isLeaving = true
    if (heldSlices().get(this.first) === this) heldSlices().delete(this.first)
  }

  async #end(): Promise<void> {
    this.#leave()
    this.#forgetExit()
    clearTimeout(this.#retry)
    // The next holder of the sentinel must not meet a late attempt of ours.
    await this.#restoring
    this.#endJournal()
    await this.#lock?.release()
    await this.#sentinel.close()
    // Nothing so far may have waited: in a loop, the rest of the process would have no turn.
    await nextTurn()
  }

  /** For the end of the process, when there is no time to wait. */
  #endNow(): void {
    if (this.#needsRestoring) this.#writeLastJournal()
    this.#endJournal()
    this.#lock?.releaseNow()
  }

  /** Of ports that are out, the next holder is to know, also if the lock is lost at this moment. */
  #writeLastJournal(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined) return
    try {
      ensureLockDirectory(lockDirectory)
      const token = lockToken(lockDirectory, this.first)
      if (token === undefined || token === this.#lock?.token) this.#writeJournal()
    } catch {
      // There is no time for another try.
    }
  }

  #endJournal(): void {
    const journal = this.#journal
    // A directory that has been deleted is not made again for this.
    if (journal?.exists())
      journal.append(formatLine({ event: 'end', at: now(), time: kernelTime() }))
    journal?.close()
  }

  /** @returns false when a holder in another network namespace has the lock */
  async #acquireLock(): Promise<boolean> {
    if (!this.#lock) return true
    try {
      if (!(await this.#lock.acquire())) return false
      this.#context.hasServed = true
    } catch (error) {
      const isPassing = this.#context.hasServed || PASSING_TROUBLE.has(codeOf(error))
      if (isOutOfDescriptors(error) || !isPassing) throw this.#asRefusal(error)
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    return true
  }

  #asRefusal(error: unknown): unknown {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined || error instanceof PortsliceError) return error
    if (isOutOfDescriptors(error)) return error
    return refusal(lockDirectory, `cannot be written to (${(error as Error).message})`, error)
  }

  /** Reads what earlier holders have left. */
  async #recall(): Promise<void> {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined) return
    const record = readSliceRecord(journalPath(lockDirectory, this.first))
    if (record) this.#ports.recall(record)
    for (const port of claimNotesIn(lockDirectory, this.first)) {
      this.#claimed.add(port)
      await this.#isClaimed(port)
    }
  }

  /**
   * Whether a claim made before this lease is still held. No new ones can be made: claimers look
   * for the sentinel. The port of a dead claimer is quarantined, as a dead holder's ports are.
   */
  async #isClaimed(port: number): Promise<boolean> {
    const lockDirectory = this.#context.lockDirectory as string
    if (await isUdpPortHeld(port).catch(() => true)) return true
    this.#claimed.delete(port)
    // A claimer that ends in good order removes its note before it closes its socket.
    const note = readClaimNote(lockDirectory, port, this.#context.holder.host)
    if (note) {
      const now = kernelTime()
      const died = note.died && isComparable(note.died, now) ? note.died : now
      const left = QUARANTINE_MS - elapsedSince(died, now)
      if (left > 0) {
        const { host, command: label, at: since } = note
        this.#ports.quarantine({ port, label, since, host }, died, left)
      }
      this.#deadClaims.push(port)
    }
    return false
  }

  /** @returns false as well when the claimer has just been found dead */
  async #isClaimOver(port: number): Promise<boolean> {
    if (await this.#isClaimed(port)) return false
    if (this.#deadClaims.length === 0) return true
    this.#rewriteJournal()
    this.#removeDeadClaims()
    return this.quarantineLeft(port) === 0
  }

  /** Once the journal says that their ports are quarantined, the notes of dead claimers can go. */
  #removeDeadClaims(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined || this.#needsRestoring) return
    for (const port of this.#deadClaims.splice(0))
      removeClaimNote(lockDirectory, port, this.#context.holder.host)
  }

  /** The journal may have been removed by hand. */
  #checkJournal(): void {
    if (this.#isOpen && !this.#givenBack && !this.#journal?.exists()) this.#rewriteJournal()
  }

  /** @param mayAppend false when the journal has been deleted */
  #write(line: string, mayAppend = true): void {
    if (!this.#journal) return
    if (mayAppend && this.#journal.append(line)) return
    this.#rewriteJournal()
  }

  /** Writes the whole journal again, with what still counts; later, where that is not possible now. */
  #rewriteJournal(): void {
    const { lockDirectory, onTrouble } = this.#context
    if (!this.#journal || !this.#lock || lockDirectory === undefined) return
    try {
      ensureLockDirectory(lockDirectory)
      // Without the lock, the journal may be another holder's.
      if (this.#lock.isOurs()) {
        this.#writeJournal()
        return
      }
    } catch (error) {
      onTrouble(error)
    }
    this.#restoreLater()
  }

  /** @throws the system's error */
  #writeJournal(): void {
    const { holder } = this.#context
    const head = { v: 1, event: 'lease', ...holder, at: this.#leasedAt, lock: this.#lock?.token }
    this.#journal?.rewrite(formatLine(head), this.#ports.lines())
  }

  /** The journal at the path may be one that could not be read before, or that of a holder in between. */
  #recallOthers(): void {
    const { lockDirectory } = this.#context
    if (lockDirectory === undefined) return
    const record = readSliceRecord(journalPath(lockDirectory, this.first))
    if (record && record.lease?.at !== this.#leasedAt) this.#ports.recall(record)
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

  /** Takes a lost lock again, and writes what could not be written. The user never hears of it. */
  async #restore(): Promise<void> {
    if (this.#givenBack) return
    this.#needsRestoring = false
    try {
      const lock = this.#lock
      const isKept = lock?.isRefreshed && lock.isOurs()
      if (!isKept && !(await lock?.acquire())) return this.#restoreLater()
      this.#recallOthers()
      this.#rewriteJournal()
    } catch (error) {
      this.#context.onTrouble(error)
      this.#restoreLater()
    }
    if (!this.#needsRestoring) this.#retryDelay = FIRST_RETRY_MS
  }
}

function now(): string {
  return new RealDate().toISOString()
}
