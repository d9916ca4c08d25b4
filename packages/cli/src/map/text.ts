import { wrapAnsi } from 'fast-wrap-ansi'
import type { Colours } from '../terminal/colours.js'
import { truncate } from '../terminal/format.js'
import { describeSlice, summarize } from './describe.js'
import type { OwnerNames } from './foreign-ports.js'
import {
  MAX_DETAILED_SLICES,
  type RangeSnapshot,
  type SliceSnapshot,
  STATES,
  type State,
} from './range-snapshot.js'

const GLYPHS: Record<State, string> = {
  free: '·',
  held: '▒',
  listening: '█',
  leaked: '!',
  quarantined: '~',
  foreign: 'x',
}

const NO_BREAK_SPACE = '\u00a0'
/** A port number and two spaces. */
const LABEL_WIDTH = 7
/** 2048 ports, so that rows start at multiples of 2048. */
const MAX_SLICES_PER_ROW = 64

export function mapText(
  snapshot: RangeSnapshot,
  { colours, columns, owners }: { colours: Colours; columns: number; owners: OwnerNames },
): string {
  const paint = painter(colours)
  const lines = [
    legend(columns, paint),
    '',
    ...overview(snapshot.slices, columns, paint),
    ...detail(snapshot.slices, columns, paint, owners),
    '',
    wrapAnsi(summarize(snapshot), columns, { hard: true }),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

type Painter = (state: State, text: string) => string

function painter({ dim, cyan, green, red, yellow, magenta }: Colours): Painter {
  const paints: Record<State, (text: string) => string> = {
    free: dim,
    held: cyan,
    listening: green,
    leaked: red,
    quarantined: yellow,
    foreign: magenta,
  }
  return (state, text) => paints[state](text)
}

function legend(columns: number, paint: Painter): string {
  const entries = STATES.map((state) => `${paint(state, GLYPHS[state])}${NO_BREAK_SPACE}${state}`)
  return wrapAnsi(entries.join('   '), columns, { hard: true }).replaceAll(NO_BREAK_SPACE, ' ')
}

function overview(slices: readonly SliceSnapshot[], columns: number, paint: Painter): string[] {
  const room = Math.max(1, columns - LABEL_WIDTH)
  const inRow = room >= 8 ? Math.min(MAX_SLICES_PER_ROW, room - (room % 8)) : room
  const lines: string[] = []
  for (let start = 0; start < slices.length; start += inRow) {
    const row = slices.slice(start, start + inRow)
    const label = columns > LABEL_WIDTH ? `${row[0]?.first}`.padEnd(LABEL_WIDTH) : ''
    lines.push(
      label +
        paintRuns(
          row.map(({ state }) => state),
          paint,
        ),
    )
  }
  return lines
}

/** One character per port of the slices in use. */
function detail(
  slices: readonly SliceSnapshot[],
  columns: number,
  paint: Painter,
  owners: OwnerNames,
): string[] {
  const busy = slices.filter(({ state }) => state !== 'free')
  const width = LABEL_WIDTH + (busy[0]?.ports.length ?? 0)
  if (busy.length === 0 || width > columns) return []
  const rows = busy.slice(0, MAX_DETAILED_SLICES).map((slice) => {
    const strip = `${slice.first}`.padEnd(LABEL_WIDTH) + paintRuns(slice.ports, paint)
    const words = truncate(describeSlice(slice, owners), columns - width - 2)
    return words ? `${strip}  ${words}` : strip
  })
  const more = busy.length - rows.length
  return [
    '',
    ...rows,
    ...(more > 0 ? [truncate(`… and ${more} more: portslice list`, columns)] : []),
  ]
}

/** Paints adjacent characters of the same state with one escape sequence. */
function paintRuns(states: readonly State[], paint: Painter): string {
  let text = ''
  for (let index = 0; index < states.length; ) {
    const state = states[index] as State
    let end = index + 1
    while (states[end] === state) end++
    text += paint(state, GLYPHS[state].repeat(end - index))
    index = end
  }
  return text
}
