import { closestMatch } from 'leven'

/** Suggests a known name, if at most half of the letters differ. */
export function suggest(typed: string, known: readonly string[]): string | undefined {
  const maxDistance = Math.max(2, Math.floor(typed.length / 2))
  const match = closestMatch(typed, known, { maxDistance })
  return match && `Did you mean '${match}'?`
}
