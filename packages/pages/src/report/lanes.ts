/** Times are rounded, so a test may seem to begin before the previous one has ended. */
const TOLERANCE_MS = 2

/** Distributes intervals over as few lanes as possible. Intervals in one lane do not overlap. */
export function lanesOf<T>(
  items: readonly T[],
  intervalOf: (item: T) => { from: number; to: number },
): T[][] {
  const lanes: { items: T[]; end: number }[] = []
  const sorted = [...items].sort((a, b) => intervalOf(a).from - intervalOf(b).from)
  for (const item of sorted) {
    const { from, to } = intervalOf(item)
    const lane = lanes.find(({ end }) => end <= from + TOLERANCE_MS)
    if (lane) {
      lane.items.push(item)
      lane.end = to
    } else {
      lanes.push({ items: [item], end: to })
    }
  }
  return lanes.map(({ items }) => items)
}

/** Positions of about `count` ticks at round numbers within a duration. */
export function ticksOf(duration: number, count: number): number[] {
  const raw = Math.max(duration, 1) / count
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw) ?? raw
  const ticks: number[] = []
  for (let tick = 0; tick <= duration; tick += step) ticks.push(tick)
  return ticks
}
