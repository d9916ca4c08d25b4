/** What the server sends to the page: rows with a key each, and what has changed since. */

export type PortState = 'out' | 'listening' | 'leaked' | 'quarantined' | 'foreign'

export interface RangeRow {
  kind: 'range'
  ranges: readonly { first: number; last: number }[]
  /** `null` if portslice uses no files. */
  lockDirectory: string | null
}

/** A slice, with its holder if that is known. */
export interface SliceRow {
  kind: 'slice'
  first: number
  state: 'held' | 'abandoned'
  /** True if the holder is in another network namespace and may be dead. */
  isUnverified?: boolean
  projectRoot?: string
  /** The same for all workers of one run. */
  run: string
  /** `vitest`, or the command if there is no test runner. */
  name: string
  /** Missing without a test runner. */
  workerId?: number
  shard?: string
  pid?: number
  command?: string
  /** ISO 8601, as the others. */
  since?: string
}

export interface PortRow {
  kind: 'port'
  port: number
  state: PortState
  slice: number
  label?: string
  since?: string
  until?: string
  /** The program behind a foreign port, if known. */
  owner?: string
}

export interface ClaimRow {
  kind: 'claim'
  port: number
  state: PortState
  pid: number
  directory: string
  command: string
  since: string
}

export type Row = RangeRow | SliceRow | PortRow | ClaimRow

export type Rows = Readonly<Record<string, Row>>

export interface Change {
  set: Rows
  remove: readonly string[]
}
