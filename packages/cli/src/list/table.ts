import { type ClaimStatus, type PortStatus, UNKNOWN_HOLDER } from '@portslice/core/internal/inspect'
import type { Colours } from '../terminal/colours.js'
import { formatDuration } from '../terminal/duration.js'
import { pad, sanitize, truncate, urlOf, widthOf } from '../terminal/format.js'
import type { ListedSlice } from './add-slice-owners.js'
import { formatCommand, formatDirectory, holderName } from './format-holder.js'

export interface TableOptions {
  colours: Colours
  columns?: number
  /** ms since 1970 */
  now: number
  /** Whether the terminal shows links (OSC 8). */
  hasLinks?: boolean
  /** The remote host whose ports are listed. */
  host?: string | undefined
}

type Paint = (text: string) => string

interface Row {
  cells: [ports: string, state: string, pid: string, what: string, since: string, where: string]
  paint: Paint
  /** The port in the first cell, if an app listens there. */
  listening?: number
}

const HEADINGS: Row['cells'] = ['PORTS', 'STATE', 'PID', 'FOR', 'SINCE', 'IN']
const FOR = HEADINGS.indexOf('FOR')
const IN = HEADINGS.indexOf('IN')
const COLUMN_GAP = '  '
/** The minimum width of a column. If a line is still too long, its end is cut. */
const MIN_COLUMN_WIDTH = 12

export function listTable(
  slices: readonly ListedSlice[],
  claims: readonly ClaimStatus[],
  options: TableOptions,
): string {
  const { colours, columns = Number.POSITIVE_INFINITY, now, hasLinks = false, host } = options
  if (slices.length + claims.length === 0) return `No ports are out on ${host ?? 'this machine'}.\n`
  const rows: Row[] = [
    { cells: HEADINGS, paint: colours.dim },
    ...slices.flatMap((slice) => rowsOf(slice, colours, now)),
    ...claims.map((claim) => rowOf(claim, colours, now)),
  ]
  const widths = fitWidths(rows, columns)
  return rows
    .map((row) => {
      const line = lineOf(row, widths, columns)
      return `${row.paint(hasLinks ? withLink(line, row, host) : line)}\n`
    })
    .join('')
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
        nameSlice(slice),
        age(holder?.since, now),
        formatDirectory(holder?.cwd ?? owner?.cwd ?? ''),
      ],
      paint: isDead ? colours.dim : colours.bold,
    },
    ...ports.map((port): Row => {
      const { state, paint } = stateOf(port, colours, now)
      return {
        cells: [`  ${port.port}`, state, '', labelOf(port), age(port.since, now), ''],
        paint,
        ...(port.listening && { listening: port.port }),
      }
    }),
  ]
}

function nameSlice({ holder, owner, state }: ListedSlice): string {
  if (holder) return holderName(holder)
  if (state !== 'held') return 'a process that has ended'
  if (owner) return sanitize(`${formatCommand(owner.command)} (with another lock directory)`)
  return UNKNOWN_HOLDER
}

function age(since: string | undefined, now: number): string {
  return since ? formatDuration(now - Date.parse(since)) : ''
}

function rowOf(claim: ClaimStatus, { cyan, green }: Colours, now: number): Row {
  const { port, pid, command, cwd, since, listening } = claim
  return {
    cells: [
      String(port),
      listening ? 'claimed, listening' : 'claimed',
      String(pid),
      sanitize(formatCommand(command)),
      age(since, now),
      formatDirectory(cwd),
    ],
    paint: listening ? green : cyan,
    ...(listening && { listening: port }),
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
    const left = port.until ? `, ${formatDuration(Date.parse(port.until) - now)} left` : ''
    return { state: `quarantined${left}`, paint: yellow }
  }
  return port.listening ? { state: 'listening', paint: green } : { state: 'out', paint: cyan }
}

/** Narrows the columns FOR and IN, the wider one first, until a line fits. */
function fitWidths(rows: readonly Row[], columns: number): number[] {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map(({ cells }) => widthOf(cells[column] as string))),
  )
  const total = () =>
    widths.reduce((sum, width) => sum + width + COLUMN_GAP.length, -COLUMN_GAP.length)
  while (total() > columns) {
    const widest = (widths[FOR] as number) >= (widths[IN] as number) ? FOR : IN
    if ((widths[widest] as number) <= MIN_COLUMN_WIDTH) break
    widths[widest] = (widths[widest] as number) - 1
  }
  return widths
}

function lineOf({ cells }: Row, widths: readonly number[], columns: number): string {
  const line = cells
    .map((cell, column) => {
      const width = widths[column] as number
      return pad(truncate(cell, width), width)
    })
    .join(COLUMN_GAP)
    .trimEnd()
  // Painted later, because `truncate` does not know escape sequences.
  return columns === Number.POSITIVE_INFINITY ? line : truncate(line, columns)
}

/** Turns the port at the beginning of the line into a link (OSC 8). */
function withLink(line: string, { cells, listening }: Row, host: string | undefined): string {
  const [indent, port] = /^( *)(\d+)$/.exec(cells[0])?.slice(1) ?? []
  if (listening === undefined || port === undefined || !line.startsWith(cells[0])) return line
  return `${indent}\u001b]8;;${urlOf(listening, host)}\u0007${port}\u001b]8;;\u0007${line.slice(cells[0].length)}`
}
