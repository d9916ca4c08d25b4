/** What it comes to, in a sentence. */
import type { Measurement } from './measurement.ts'

export function verdict(
  ours: Measurement,
  theirs: readonly Measurement[],
  broken: readonly string[],
): string {
  if (broken.length > 0) return ['The promise was broken.', ...broken].join('\n- ')
  const { handedOut, processes } = ours.sight
  return `The promise was kept: in ${handedOut} hand-outs to ${processes} processes no port was ever out twice at the same time; ${theirs.map(compared).join(', and ')}.`
}

function compared({ title, sight }: Measurement): string {
  return `${title} gave out a port that another test had ${times(sight.overlaps)} and led to EADDRINUSE ${times(sight.refused)}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
