import {
  type ClaimRow,
  type PortRow,
  type PortState,
  type RangeRow,
  type Row,
  type Rows,
  SLICE_SIZE,
  type SliceRow,
} from './rows.js'

export const STATES = ['listening', 'out', 'leaked', 'quarantined', 'foreign'] as const

/** A port or claim, as a line of the page. */
export interface PortLine {
  key: string
  port: number
  state: PortState
  label: string
  /** `worker 3`, or the pid. */
  holder: string
  since?: string
  until?: string
}

export interface RunGroup {
  key: string
  name: string
  workers: number
  pids: number[]
  command: string
  hasEnded: boolean
  isUnverified: boolean
  since?: string
  lines: PortLine[]
}

export interface RootGroup {
  root: string
  runs: RunGroup[]
}

export interface Groups {
  roots: RootGroup[]
  counts: Record<PortState, number>
  /** The state of each slice in the map of the range. */
  cells: Map<number, CellState>
  range: RangeRow | undefined
}

export type CellState = PortState | 'held'

/** A slice has the first of these states that one of its ports has. */
const CELL_PRIORITY: readonly CellState[] = [
  'leaked',
  'listening',
  'quarantined',
  'out',
  'held',
  'foreign',
]

export const UNKNOWN_ROOT = 'other users and lock directories'
export const FOREIGN_ROOT = 'programs that do not use portslice'

/** Groups the rows by project root and run, and filters them by a search and a state. */
export function groupRows(rows: Rows, query: string, only: PortState | undefined): Groups {
  const all = Object.values(rows)
  const slices = new Map(all.filter(isSlice).map((slice) => [slice.first, slice]))
  const roots = [...slices.values()].flatMap(({ projectRoot = [] }) => projectRoot)
  const runs = new Map<string, RunGroup & { root: string }>()
  const counts: Groups['counts'] = {
    listening: 0,
    out: 0,
    leaked: 0,
    quarantined: 0,
    foreign: 0,
  }
  const cells = new Map<number, CellState>()
  const updateCell = (slice: number, state: CellState) => {
    const known = cells.get(slice)
    const isMoreImportant = !known || CELL_PRIORITY.indexOf(state) < CELL_PRIORITY.indexOf(known)
    if (isMoreImportant) cells.set(slice, state)
  }
  for (const slice of slices.values()) {
    addSlice(runs, slice)
    if (slice.state === 'held') updateCell(slice.first, 'held')
  }
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  for (const row of all) {
    if (row.kind !== 'port' && row.kind !== 'claim') continue
    counts[row.state]++
    updateCell(row.port - (row.port % SLICE_SIZE), row.state)
    const run = row.kind === 'claim' ? runOfClaim(runs, row, roots) : runOfPort(runs, row, slices)
    const line = lineOf(row, slices)
    if (only && row.state !== only) continue
    if (isMatch(words, run, line)) run.lines.push(line)
  }
  const isFiltered = words.length > 0 || only !== undefined
  const shown = [...runs.values()].filter(
    (run) => run.lines.length > 0 || (!isFiltered && run.pids.length > 0),
  )
  return { roots: byRoot(shown), counts, cells, range: all.find(isRange) }
}

function addSlice(runs: Map<string, RunGroup & { root: string }>, slice: SliceRow): void {
  const { run: key, projectRoot: root = UNKNOWN_ROOT, name, pid, since, workerId } = slice
  let run = runs.get(key)
  if (!run) {
    run = { ...emptyRun(key, name), root, command: slice.command ?? '', hasEnded: true }
    runs.set(key, run)
  }
  if (workerId !== undefined) run.workers++
  if (pid !== undefined && !run.pids.includes(pid)) run.pids.push(pid)
  if (slice.state === 'held') run.hasEnded = false
  if (slice.isUnverified) run.isUnverified = true
  if (since && (!run.since || since < run.since)) run.since = since
}

function runOfPort(
  runs: Map<string, RunGroup & { root: string }>,
  row: PortRow,
  slices: ReadonlyMap<number, SliceRow>,
): RunGroup {
  const slice = slices.get(row.slice)
  const known = slice && row.state !== 'foreign' ? runs.get(slice.run) : undefined
  if (known) return known
  const run = runs.get('foreign') ?? { ...emptyRun('foreign', 'foreign ports'), root: FOREIGN_ROOT }
  runs.set('foreign', run)
  return run
}

function runOfClaim(
  runs: Map<string, RunGroup & { root: string }>,
  { pid, directory, command, since }: ClaimRow,
  roots: readonly string[],
): RunGroup {
  const key = `claim ${pid}`
  const known = runs.get(key)
  if (known) return known
  const root = roots.find((each) => isInside(directory, each)) ?? directory
  const run = { ...emptyRun(key, command), root, pids: [pid], since }
  runs.set(key, run)
  return run
}

function isInside(directory: string, root: string): boolean {
  return directory === root || directory.startsWith(`${root}/`)
}

function emptyRun(key: string, name: string): RunGroup {
  return {
    key,
    name,
    workers: 0,
    pids: [],
    command: '',
    hasEnded: false,
    isUnverified: false,
    lines: [],
  }
}

function lineOf(row: PortRow | ClaimRow, slices: ReadonlyMap<number, SliceRow>): PortLine {
  const { port, state, since } = row
  const slice = row.kind === 'port' ? slices.get(row.slice) : undefined
  const until = row.kind === 'port' ? row.until : undefined
  return {
    key: `${row.kind} ${port}`,
    port,
    state,
    label: row.kind === 'claim' ? 'claimed' : (row.label ?? row.owner ?? ''),
    holder: row.kind === 'claim' ? `pid ${row.pid}` : holderOf(row, slice),
    ...(since && { since }),
    ...(until && { until }),
  }
}

function holderOf({ state }: PortRow, slice: SliceRow | undefined): string {
  // In a held slice, an earlier holder has left the quarantined ports.
  if (!slice || (state === 'quarantined' && slice.state === 'held')) return ''
  const { workerId, shard, pid } = slice
  const name = workerId === undefined ? (pid ? `pid ${pid}` : '') : `worker ${workerId}`
  return shard === undefined ? name : `${name} (${shard})`
}

function isMatch(words: readonly string[], run: RunGroup & { root?: string }, line: PortLine) {
  if (words.length === 0) return true
  const { port, state, label, holder } = line
  const text = [run.root, run.name, run.command, run.pids.join(' '), port, state, label, holder]
    .join(' ')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

function byRoot(runs: readonly (RunGroup & { root: string })[]): RootGroup[] {
  const roots = new Map<string, RootGroup>()
  for (const { root, ...run } of runs) {
    const group = roots.get(root) ?? { root, runs: [] }
    roots.set(root, group)
    group.runs.push({ ...run, lines: run.lines.sort((a, b) => a.port - b.port) })
  }
  const rank = ({ root }: RootGroup) => (root === FOREIGN_ROOT ? 2 : root === UNKNOWN_ROOT ? 1 : 0)
  for (const { runs } of roots.values()) runs.sort((a, b) => compare(a.since, b.since))
  return [...roots.values()].sort((a, b) => rank(a) - rank(b) || compare(a.root, b.root))
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function isSlice(row: Row): row is SliceRow {
  return row.kind === 'slice'
}

function isRange(row: Row): row is RangeRow {
  return row.kind === 'range'
}
