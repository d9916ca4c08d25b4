import { useState } from 'preact/hooks'
import type { CellState } from './group-rows.js'
import { type RangeRow, SLICE_SIZE } from './rows.js'

interface Props {
  range: RangeRow | undefined
  cells: ReadonlyMap<number, CellState>
  /** Called with the first port of the slice that the user has chosen. */
  onChoose: (slice: number) => void
}

/** Shows a cell for each slice. The map is one tab stop; the arrow keys select a cell. */
export function RangeMap({ range, cells, onChoose }: Props) {
  const slices = slicesOf(range, cells)
  const [current, setCurrent] = useState(0)
  const [isFocused, setFocused] = useState(false)
  const selected = Math.min(current, slices.length - 1)
  const chosen = slices[selected]
  if (chosen === undefined) return null
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columnsOf(event.currentTarget as HTMLElement),
      ArrowUp: -columnsOf(event.currentTarget as HTMLElement),
      Home: -selected,
      End: slices.length - 1 - selected,
    }
    const step = steps[event.key]
    if (step !== undefined) setCurrent(Math.max(0, Math.min(slices.length - 1, selected + step)))
    else if (event.key === 'Enter' || event.key === ' ') onChoose(chosen)
    else return
    event.preventDefault()
  }
  return (
    <section class="map" aria-labelledby="map-title">
      <div class="map-head">
        <h2 id="map-title">Range</h2>
        <span class="dim mono">
          {range?.ranges.map(({ first, last }) => `${first}-${last}`).join(', ')}
        </span>
        <span class="dim">{slices.length} slices of 32 ports</span>
        <span class="grow" />
        <span class="dim mono" aria-live="polite">
          {isFocused && describe(chosen, cells)}
        </span>
      </div>
      <div
        class="cells"
        role="listbox"
        aria-label="Slices of the range"
        aria-activedescendant={`slice-${chosen}`}
        tabIndex={0}
        onKeyDown={move}
        onFocusIn={() => setFocused(true)}
        onFocusOut={() => setFocused(false)}
        onClick={(event) => {
          const index = slices.indexOf(Number((event.target as HTMLElement).dataset.slice))
          if (index === -1) return
          setCurrent(index)
          onChoose(slices[index] as number)
        }}
      >
        {slices.map((slice, index) => (
          <span
            key={slice}
            id={`slice-${slice}`}
            role="option"
            tabIndex={-1}
            aria-label={describe(slice, cells)}
            aria-selected={index === selected}
            title={describe(slice, cells)}
            class={`cell ${cells.get(slice) ?? 'free'}`}
            data-slice={slice}
          />
        ))}
      </div>
    </section>
  )
}

function describe(slice: number, cells: ReadonlyMap<number, CellState>): string {
  return `${slice}-${slice + SLICE_SIZE - 1} ${cells.get(slice) ?? 'free'}`
}

/** The slices of the range, and slices outside of it that have a state. */
function slicesOf(range: RangeRow | undefined, cells: ReadonlyMap<number, CellState>): number[] {
  const slices = new Set(cells.keys())
  for (const { first, last } of range?.ranges ?? []) {
    const begin = Math.ceil(first / SLICE_SIZE) * SLICE_SIZE
    for (let slice = begin; slice + SLICE_SIZE - 1 <= last; slice += SLICE_SIZE) slices.add(slice)
  }
  return [...slices].sort((a, b) => a - b)
}

function columnsOf(grid: HTMLElement): number {
  return getComputedStyle(grid).gridTemplateColumns.split(' ').length
}
