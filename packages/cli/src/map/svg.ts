import { describeSlice, summarize } from './describe.js'
import { escapeXml } from './escape-xml.js'
import type { OwnerNames } from './foreign-ports.js'
import {
  MAX_DETAILED_SLICES,
  type RangeSnapshot,
  type SliceSnapshot,
  STATES,
  type State,
} from './range-snapshot.js'

const CELL = 11
const GAP = 2
const STEP = CELL + GAP
const CELLS_PER_ROW = 64
const LEFT = 60
const PADDING = 16
const LINE = 22
const WIDTH = LEFT + CELLS_PER_ROW * STEP + PADDING
const MAX_DESCRIPTION_LENGTH = 64

const STYLE = `
    svg { color-scheme: light dark }
    text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
    .ground { fill: #ffffff }
    .free { fill: #e4e7eb }
    .held { fill: #54aeff }
    .listening { fill: #1a7f37 }
    .leaked { fill: #cf222e }
    .quarantined { fill: #d4a72c }
    .foreign { fill: #8250df }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .ground { fill: #0d1117 }
      .free { fill: #262c36 }
      .held { fill: #1f6feb }
      .listening { fill: #3fb950 }
      .leaked { fill: #f85149 }
      .quarantined { fill: #d29922 }
      .foreign { fill: #a371f7 }
    }
  `

export function mapSvg(snapshot: RangeSnapshot, owners: OwnerNames): string {
  const { slices } = snapshot
  const body: string[] = []
  let y = PADDING
  STATES.forEach((state, index) => {
    const x = LEFT + index * 120
    body.push(cell(x, y, state), text(x + STEP + 3, y + 10, state))
  })
  y += 2 * LINE
  for (let start = 0; start < slices.length; start += CELLS_PER_ROW) {
    const row = slices.slice(start, start + CELLS_PER_ROW)
    body.push(text(PADDING, y + 10, String(row[0]?.first)))
    row.forEach((slice, index) => {
      body.push(cell(LEFT + index * STEP, y, slice.state, titleOf(slice, owners)))
    })
    y += STEP
  }
  const busy = slices.filter(({ state }) => state !== 'free')
  if (busy.length > 0) y += LINE
  for (const slice of busy.slice(0, MAX_DETAILED_SLICES)) {
    body.push(text(PADDING, y + 10, String(slice.first)))
    slice.ports.forEach((state, index) => {
      const port = slice.first + index
      body.push(cell(LEFT + index * STEP, y, state, `${port} ${state}`))
    })
    const words = describeSlice(slice, owners)
    const short =
      words.length > MAX_DESCRIPTION_LENGTH
        ? `${words.slice(0, MAX_DESCRIPTION_LENGTH - 1)}…`
        : words
    body.push(text(LEFT + slice.ports.length * STEP + 8, y + 10, short))
    y += LINE
  }
  const more = busy.length - MAX_DETAILED_SLICES
  if (more > 0) {
    body.push(text(LEFT, y + 10, `… and ${more} more`))
    y += LINE
  }
  y += LINE
  body.push(text(PADDING, y, summarize(snapshot)))
  y += PADDING
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escapeXml(summarize(snapshot))}">
  <style>${STYLE}</style>
  <rect class="ground" width="${WIDTH}" height="${y}"/>
  ${body.join('\n  ')}
</svg>
`
}

function titleOf(slice: SliceSnapshot, owners: OwnerNames): string {
  const words = describeSlice(slice, owners)
  return `${slice.first}-${slice.last} ${slice.state}${words ? `: ${words}` : ''}`
}

function cell(x: number, y: number, state: State, title?: string): string {
  const shape = `class="${state}" x="${x}" y="${y}" width="${CELL}" height="${CELL}" rx="2"`
  // No titles for free cells: there are hundreds of them.
  return title === undefined || state === 'free'
    ? `<rect ${shape}/>`
    : `<rect ${shape}><title>${escapeXml(title)}</title></rect>`
}

function text(x: number, y: number, words: string): string {
  return `<text x="${x}" y="${y}">${escapeXml(words)}</text>`
}
