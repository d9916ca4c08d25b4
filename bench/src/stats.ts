import { median, quantileSorted } from 'simple-statistics'

export interface Stats {
  readonly count: number
  readonly median: number
  /** The first and the third quartile. */
  readonly low: number
  readonly high: number
}

export function statsOf(samples: readonly number[]): Stats {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    count: sorted.length,
    median: median(sorted),
    low: quantileSorted(sorted, 0.25),
    high: quantileSorted(sorted, 0.75),
  }
}

export interface Ratio {
  readonly median: number
  /** The confidence interval of the median, 95 %: order statistics, so no distribution is assumed. */
  readonly low: number
  readonly high: number
}

/** The median of the ratios of samples that were taken in the same round. */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): Ratio {
  const ratios = ours.map((value, round) => value / (theirs[round] as number)).sort((a, b) => a - b)
  const count = ratios.length
  // The normal approximation of the binomial distribution.
  const reach = 0.98 * Math.sqrt(count)
  const at = (rank: number) => ratios[Math.min(count - 1, Math.max(0, rank))] as number
  return {
    median: median(ratios),
    low: at(Math.floor(count / 2 - reach)),
    high: at(Math.ceil(count / 2 + reach)),
  }
}

/** Three significant digits, and all digits before the decimal point. */
export function figure(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** "1.23 (1.20–1.31)" */
export function withQuartiles({ median, low, high }: Stats): string {
  return `${figure(median)} (${figure(low)}–${figure(high)})`
}
