import type { LeaseRecord } from '../slice/slice-record.js'

/** The process that leases ports. */
export type HolderInfo = Readonly<Omit<LeaseRecord, 'at'>>

/** Something that happened to a port. */
export interface PortEvent {
  /** What happened. */
  readonly event: 'take' | 'release' | 'leak' | 'quarantine'
  /** When, in ms since 1970, by the clock of the server. */
  readonly atMs: number
  /** What the port was for. */
  readonly label?: string | undefined
  /** Who had it. */
  readonly holder?: HolderInfo | undefined
}
