/** What `portslice list` prints: a row for each slice, one for each of its ports, and one for each claim. */
import { type ClaimStatus, type PortStatus, UNKNOWN_HOLDER } from '@portslice/core/internal/inspect'
import type { Colours } from '../terminal/colours.js'
import { duration } from '../terminal/duration.js'
import { pad, sanitize, truncate, widthOf } from '../terminal/format.js'
import { commandText, folderText, holderName } from './holder.js'
import type { ListedSlice } from './owner.js'

export interface TableOptions {
  colours: Colours
  /** Columns that a line may have; without a limit if missing. */
  columns?: number
  /** ms since 1970 */
  now: number
}

type Paint = (text: string) => string

interface Row {
  cells: [ports: string, state: string, pid: string, what: string, since: string, where: string]
  paint: Paint
}

const HEADINGS: Row['cells'] = ['PORTS', 'STATE', 'PID', 'FOR', 'SINCE', 'IN']
const COLUMN_GAP = '  '
/** Columns below which the texts of others are not cut: then the line is. */
const MIN_COLUMN_WIDTH = 12

export function listTable(
  slices: readonly ListedSlice[],
  claims: readonly ClaimStatus[],
  options: TableOptions,
): string {
  const { colours, columns = Number.POSITIVE_INFINITY, now } = options
  if (slices.length + claims.length === 0) return 'No ports are out on this machine.\n'
  const rows: Row[] = [
    { cells: HEADINGS, paint: colours.dim },
    ...slices.flatMap((slice) => rowsOf(slice, colours, now)),
    ...claims.map((claim) => rowOf(claim, colours, now)),
  ]
  const widths = fitWidths(rows, columns)
  return rows.map((row) => `${lineOf(row, widths, columns)}\n`).join('')
}

function rowsOf(slice: ListedSlice, colours: Colours, now: number): Row[] {
  const { first, last, state, holder, owner, ports } = slice
  const isDead = state === 'abandoned'
  return [
    {
      cells: [
        `${first}-${last}`,
        isDead ? 'abandoned' : 'held',
        String(holder?.pid ?? owner?.pid ?? ''),
        nameOf(slice),
        age(holder?.since, now),
        folderText(holder?.cwd ?? owner?.cwd ?? ''),
      ],
      paint: isDead ? colours.dim : colours.bold,
    },
    ...ports.map((port): Row => {
      const { state, paint } = stateOf(port, colours, now)
      return {
        cells: [`  ${port.port}`, state, '', labelOf(port), age(port.since, now), ''],
        paint,
      }
    }),
  ]
}

function nameOf({ holder, owner, state }: ListedSlice): string {
  if (holder) return holderName(holder)
  if (state !== 'held') return 'a process that has ended'
  // Without its journal only the kernel knows it.
  if (owner) return sanitize(`${commandText(owner.command)} (with another lock directory)`)
  return UNKNOWN_HOLDER
}

function age(since: string | undefined, now: number): string {
  return since ? duration(now - Date.parse(since)) : ''
}

function rowOf(claim: ClaimStatus, { cyan, green }: Colours, now: number): Row {
  const { port, pid, command, cwd, since, listening } = claim
  return {
    cells: [
      String(port),
      listening ? 'claimed, listening' : 'claimed',
      String(pid),
      sanitize(commandText(command)),
      age(since, now),
      folderText(cwd),
    ],
    paint: listening ? green : cyan,
  }
}

function labelOf({ label, key }: PortStatus): string {
  return sanitize(label ?? key ?? '')
}

function stateOf(
  port: PortStatus,
  { cyan, green, red, yellow }: Colours,
  now: number,
): { state: string; paint: Paint } {
  if (port.state === 'leaked') return { state: 'leaked', paint: red }
  if (port.state === 'quarantined') {
    const left = port.until ? `, ${duration(Date.parse(port.until) - now)} left` : ''
    return { state: `quarantined${left}`, paint: yellow }
  }
  return port.listening ? { state: 'listening', paint: green } : { state: 'out', paint: cyan }
}

/** Takes from what others have written, the longest first, until a line fits. */
function fitWidths(rows: readonly Row[], columns: number): number[] {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map(({ cells }) => widthOf(cells[column] as string))),
  )
  const total = () =>
    widths.reduce((sum, width) => sum + width + COLUMN_GAP.length, -COLUMN_GAP.length)
  const [, , , FOR, , IN] = [0, 1, 2, 3, 4, 5] as const
  while (total() > columns) {
    const widest = (widths[FOR] as number) >= (widths[IN] as number) ? FOR : IN
    if ((widths[widest] as number) <= MIN_COLUMN_WIDTH) break
    widths[widest] = (widths[widest] as number) - 1
  }
  return widths
}

function lineOf({ cells, paint }: Row, widths: readonly number[], columns: number): string {
  const line = cells
    .map((cell, column) => {
      const width = widths[column] as number
      return pad(truncate(cell, width), width)
    })
    .join(COLUMN_GAP)
    .trimEnd()
  // Painted as a whole, so that cutting never meets an escape.
  return paint(columns === Number.POSITIVE_INFINITY ? line : truncate(line, columns))
}
