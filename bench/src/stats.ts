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

/** Three significant digits, and all digits before the decimal point. */
export function figure(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** "1.23 (1.20–1.31)" */
export function withQuartiles({ median, low, high }: Stats): string {
  return `${figure(median)} (${figure(low)}–${figure(high)})`
}
