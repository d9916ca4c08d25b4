/** The picture in characters, no line longer than the terminal is wide. */
import { wrapAnsi } from 'fast-wrap-ansi'
import type { Colours } from '../terminal/colours.js'
import { truncate } from '../terminal/format.js'
import { countOf, describe, type OwnerNames } from './format.js'
import type { Picture, SlicePicture, State } from './picture.js'
import { STATES } from './picture.js'

const GLYPHS: Record<State, string> = {
  free: '·',
  held: '▒',
  listening: '█',
  leaked: '!',
  quarantined: '~',
  foreign: 'x',
}

/** A port number and two spaces. */
const MARGIN = 7
/** Slices in a row, where there is room: 2048 ports, so that rows start at round numbers. */
const MOST_IN_ROW = 64
/** Slices whose ports are shown one by one; with hundreds, the list is the better picture. */
const MOST_IN_DETAIL = 24

export function mapText(
  picture: Picture,
  { colours, columns, owners }: { colours: Colours; columns: number; owners: OwnerNames },
): string {
  const paint = painter(colours)
  const lines = [
    ...legend(columns, paint),
    '',
    ...overview(picture.slices, columns, paint),
    ...detail(picture.slices, columns, paint, owners),
    '',
    wrapAnsi(countOf(picture), columns, { hard: true }),
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

function legend(columns: number, paint: Painter): string[] {
  const lines: { text: string; width: number }[] = []
  for (const state of STATES) {
    const entry = `${GLYPHS[state]} ${state}`
    const painted = `${paint(state, GLYPHS[state])} ${state}`
    const line = lines.at(-1)
    if (line && line.width + 3 + entry.length <= columns) {
      line.text += `   ${painted}`
      line.width += 3 + entry.length
    } else {
      lines.push({
        text: entry.length <= columns ? painted : truncate(entry, columns),
        width: entry.length,
      })
    }
  }
  return lines.map(({ text }) => text)
}

/** A character for each slice. */
function overview(slices: readonly SlicePicture[], columns: number, paint: Painter): string[] {
  const room = Math.max(1, columns - MARGIN)
  const inRow = room >= 8 ? Math.min(MOST_IN_ROW, room - (room % 8)) : room
  const lines: string[] = []
  for (let at = 0; at < slices.length; at += inRow) {
    const row = slices.slice(at, at + inRow)
    const label = columns > MARGIN ? `${row[0]?.first}`.padEnd(MARGIN) : ''
    lines.push(
      label +
        runs(
          row.map(({ state }) => state),
          paint,
        ),
    )
  }
  return lines
}

/** A character for each port of the slices that are not simply free. */
function detail(
  slices: readonly SlicePicture[],
  columns: number,
  paint: Painter,
  owners: OwnerNames,
): string[] {
  const busy = slices.filter(({ state }) => state !== 'free')
  const width = MARGIN + (busy[0]?.ports.length ?? 0)
  if (busy.length === 0 || width > columns) return []
  const rows = busy.slice(0, MOST_IN_DETAIL).map((slice) => {
    const strip = `${slice.first}`.padEnd(MARGIN) + runs(slice.ports, paint)
    const words = truncate(describe(slice, owners), columns - width - 2)
    return words ? `${strip}  ${words}` : strip
  })
  const more = busy.length - rows.length
  return [
    '',
    ...rows,
    ...(more > 0 ? [truncate(`… and ${more} more: portslice list`, columns)] : []),
  ]
}

/** Neighbours of one kind get one escape together. */
function runs(states: readonly State[], paint: Painter): string {
  let text = ''
  for (let at = 0; at < states.length; ) {
    const state = states[at] as State
    let end = at + 1
    while (states[end] === state) end++
    text += paint(state, GLYPHS[state].repeat(end - at))
    at = end
  }
  return text
}
