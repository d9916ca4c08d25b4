import { isUdpPortHeld } from '../probe/hold-udp-port.js'
import { claimNotes, readClaimNote, removeClaimNote } from './claim-note.js'
import { type SliceStart, sliceOf } from './layout.js'
import type { PortTable } from './port-table.js'
import { quarantineSince } from './slice-record.js'

/** Claims that are older than the lease of the slice. There are no newer ones, because claimers check the sentinel. */
export class EarlierClaims {
  readonly #lockDirectory: string
  readonly #host: string
  readonly #table: PortTable
  readonly #claimed = new Set<number>()
  readonly #dead: number[] = []

  constructor(lockDirectory: string, host: string, table: PortTable) {
    this.#lockDirectory = lockDirectory
    this.#host = host
    this.#table = table
  }

  async load(slice: SliceStart): Promise<void> {
    for (const port of claimNotes(this.#lockDirectory)) {
      if (sliceOf(port) !== slice) continue
      this.#claimed.add(port)
      await this.isClaimed(port)
    }
  }

  /** Whether there are notes to remove with `removeDeadNotes`. */
  get hasDead(): boolean {
    return this.#dead.length > 0
  }

  has(port: number): boolean {
    return this.#claimed.has(port)
  }

  /** Quarantines the port if its claimer is dead. */
  async isClaimed(port: number): Promise<boolean> {
    if (await isUdpPortHeld(port).catch(() => true)) return true
    this.#claimed.delete(port)
    // A claimer that ends normally removes its note before it closes its socket.
    const note = readClaimNote(this.#lockDirectory, port, this.#host)
    if (note) {
      const { died, leftMs } = quarantineSince(note.died)
      if (leftMs > 0) {
        const { host, command: label, at: since } = note
        this.#table.quarantine({ port, label, since, host }, died, leftMs)
      }
      this.#dead.push(port)
    }
    return false
  }

  /** Call after the quarantines were written to the journal. */
  removeDeadNotes(): void {
    for (const port of this.#dead.splice(0)) removeClaimNote(this.#lockDirectory, port, this.#host)
  }
}
