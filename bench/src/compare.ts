import { shuffle } from 'simple-statistics'
import { bars } from './charts.ts'
import type { Chart, Table, Target } from './row.ts'
import { figure, pairedRatio, type Stats, statsOf, withQuartiles } from './stats.ts'

export type Samples<Name extends string = string> = Readonly<Record<Name, readonly number[]>>

/**
 * Measures all candidates in several rounds, each in another order, so that disturbances and
 * leftovers (garbage, dirty pages) affect all of them equally. The first round is a warm-up.
 */
export async function inTurns<Name extends string>(
  names: readonly Name[],
  rounds: number,
  measure: (name: Name) => Promise<number>,
): Promise<Record<Name, number[]>> {
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >
  for (let round = 0; round <= rounds; round++) {
    for (const name of shuffle([...names])) {
      const sample = await measure(name)
      if (round > 0) samples[name].push(sample)
    }
  }
  return samples
}

/** The median of the ratios of each round. */
export function ratio(ours: readonly number[], theirs: readonly number[]): number {
  return pairedRatio(ours, theirs).median
}

export function atMost(
  limit: number,
  of: string,
  ours: readonly number[],
  theirs: readonly number[],
  floor?: readonly number[],
): Target {
  const { median: measured, low, high } = pairedRatio(ours, theirs)
  const target = `at most ${limit} × ${of}`
  // After the subtraction of a baseline, nothing measurable remained.
  if (statsOf(theirs).median <= 0) return { target, measured: 'lost in the noise', met: false }
  return {
    target,
    // Enough digits to show on which side of the limit it is.
    measured: `${measured.toFixed(3)} × (95 %: ${low.toFixed(3)}–${high.toFixed(3)})${unsure(limit, low, high)}`,
    ...(floor && { floor: `${ratio(floor, theirs).toFixed(3)} ×` }),
    met: measured <= limit,
  }
}

/** More rounds could change the verdict. */
export function unsure(limit: number, low: number, high: number): string {
  return low <= limit && limit < high ? ', unsure' : ''
}

/** A row for each: median, quartiles, and the median of the ratios to `beside` in the same round. */
export function comparison(caption: string, samples: Samples, beside: string): Table {
  const reference = samples[beside] as readonly number[]
  const rounds = reference.length
  return {
    caption: `${caption}; median and quartiles of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`,
    head: ['', 'median (quartiles)', `× ${beside}`],
    rows: Object.entries(samples).map(([name, values]) => [
      name,
      withQuartiles(statsOf(values)),
      figure(ratio(values, reference)),
    ]),
  }
}

export function comparisonChart(file: string, title: string, samples: Samples): Chart {
  const stats: Record<string, Stats> = {}
  for (const [name, values] of Object.entries(samples)) stats[name] = statsOf(values)
  return { file, title, option: bars(stats) }
}
