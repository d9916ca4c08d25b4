/** The data that the server of `portslice ui` sends to the page: all rows at first, then their changes. */

/** How many ports a slice has. */
export const SLICE_SIZE = 32

export type PortState = 'out' | 'listening' | 'leaked' | 'quarantined' | 'foreign'

export interface RangeRow {
  kind: 'range'
  ranges: readonly { first: number; last: number }[]
  /** `null` if portslice uses no files. */
  lockDirectory: string | null
}

/** A slice, with its holder if known. */
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
  /** In ISO 8601, like all times here. */
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

/** Rows by key, such as `port 20000`. */
export type Rows = Readonly<Record<string, Row>>

/** The difference between two readings. */
export interface Change {
  set: Rows
  remove: readonly string[]
}
