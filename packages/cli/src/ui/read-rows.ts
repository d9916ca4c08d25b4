import {
  type ClaimStatus,
  listClaims,
  listeningPorts,
  listSlices,
  lockDirectoryFor,
  type ResolvedOptions,
  type SliceStart,
} from '@portslice/core/internal/inspect'
import type { ClaimRow, PortRow, PortState, Row, Rows, SliceRow } from '@portslice/pages/live'
import { addSliceOwners, type ListedSlice } from '../list/add-slice-owners.js'
import { formatCommand, formatDirectory } from '../list/format-holder.js'
import { hideClaimedSlices } from '../list/hide-claimed-slices.js'
import { createRangeSnapshot, type RangeSnapshot } from '../map/range-snapshot.js'
import { procStat } from '../run/proc-stat.js'
import { sanitize } from '../terminal/format.js'
import { OwnerNameCache } from './owner-name-cache.js'

/** In characters. Limits the size of a page with thousands of ports. */
const MAX_TEXT_LENGTH = 300

/** Reads the slices, claims and listeners of this machine for the page; called repeatedly. */
export class RowReader {
  readonly #options: Pick<ResolvedOptions, 'ranges' | 'slices'>
  readonly #ownerNames = new OwnerNameCache()
  readonly #parents = new Map<string, string>()

  constructor(options: Pick<ResolvedOptions, 'ranges' | 'slices'>) {
    this.#options = options
  }

  async read(): Promise<Rows> {
    const { ranges } = this.#options
    const [statuses, claims, listening] = await Promise.all([
      listSlices(),
      listClaims(),
      listeningPorts(),
    ])
    const slices = await addSliceOwners(hideClaimedSlices(statuses, claims))
    const snapshot = createRangeSnapshot(
      ranges,
      [...this.#options.slices].sort((a, b) => a - b),
      slices,
      claims,
      listening ?? new Set(),
    )
    const lockDirectory = lockDirectoryFor(undefined) ?? null
    const rows: Record<string, Row> = {
      range: { kind: 'range', ranges, lockDirectory: lockDirectory && text(lockDirectory) },
    }
    for (const slice of slices) {
      rows[`slice ${slice.first}`] = this.#sliceRow(slice)
      for (const row of portRows(slice)) rows[`port ${row.port}`] = row
    }
    for (const claim of claims) rows[`claim ${claim.port}`] = claimRow(claim)
    for (const row of await this.#foreignRows(snapshot)) rows[`port ${row.port}`] = row
    return rows
  }

  #sliceRow({ first, state, unverified, holder, owner }: ListedSlice): SliceRow {
    const row = { kind: 'slice' as const, first, state, ...(unverified && { isUnverified: true }) }
    if (!holder) {
      const name = owner ? text(formatCommand(owner.command)) : 'unknown'
      const run = owner ? `pid ${owner.pid}` : 'unknown'
      return { ...row, run, name, ...(owner && { pid: owner.pid }) }
    }
    const { pid, runner, workerId, shard, command, projectRoot, since } = holder
    const isAlone = runner === 'node'
    return {
      ...row,
      projectRoot: text(formatDirectory(projectRoot)),
      run: isAlone ? `pid ${pid} ${since}` : this.#runOf(holder),
      name: isAlone ? text(formatCommand(command)) : text(runner),
      ...(!isAlone && { workerId }),
      ...(shard !== undefined && { shard: text(shard) }),
      pid,
      command: text(formatCommand(command)),
      since: text(since),
    }
  }

  /** The key of a run. Its workers have the same project root and, if the system shows it, the same parent. */
  #runOf({ pid, runner, projectRoot, since }: NonNullable<ListedSlice['holder']>): string {
    const key = `${pid} ${since}`
    let parent = this.#parents.get(key)
    if (parent === undefined) {
      parent = procStat(pid)?.[1] ?? ''
      this.#parents.set(key, parent)
    }
    return `${runner} ${parent} ${projectRoot}`
  }

  async #foreignRows({ slices }: RangeSnapshot): Promise<PortRow[]> {
    const found = slices.flatMap(({ first, ports }) =>
      ports.flatMap((state, offset) =>
        state === 'foreign' ? [{ first, port: first + offset }] : [],
      ),
    )
    const owners = await this.#ownerNames.of(found.map(({ port }) => port))
    return found.map(({ first, port }) => {
      const owner = owners.get(port)
      return { kind: 'port', port, state: 'foreign', slice: first, ...(owner && { owner }) }
    })
  }
}

function portRows({ first, ports }: ListedSlice): PortRow[] {
  return ports.map(({ port, state, listening, label, key, since, until }): PortRow => {
    const name = label ?? key
    return {
      kind: 'port',
      port,
      state: state === 'out' && listening ? 'listening' : state,
      slice: first as SliceStart,
      ...(name !== undefined && { label: text(name) }),
      ...(since !== undefined && { since: text(since) }),
      // Rounded to seconds, because each reading calculates it again.
      ...(until !== undefined && { until: `${until.slice(0, 19)}Z` }),
    }
  })
}

function claimRow({ port, pid, cwd, command, since, listening }: ClaimStatus): ClaimRow {
  const state: PortState = listening ? 'listening' : 'out'
  const directory = text(formatDirectory(cwd))
  const name = text(formatCommand(command))
  return { kind: 'claim', port, state, pid, directory, command: name, since: text(since) }
}

/** Shortens and escapes a string of a journal, because it comes from another process. */
function text(value: string): string {
  return sanitize(value.slice(0, MAX_TEXT_LENGTH))
}
