import type { Measurement } from './measure.ts'

export function verdict(
  ours: Measurement,
  theirs: readonly Measurement[],
  violations: readonly string[],
): string {
  if (violations.length > 0) return ['The guarantee was violated.', ...violations].join('\n- ')
  const { handedOut, processes } = ours.stats
  return `The guarantee was kept: in ${handedOut} hand-outs to ${processes} processes, no two had the same port at the same time; ${theirs.map(describe).join(', and ')}.`
}

function describe({ title, stats }: Measurement): string {
  return `${title} handed out a port in use ${times(stats.overlaps)} and led to EADDRINUSE ${times(stats.failedBinds)}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
