import { sanitize } from '@portslice/core/internal/inspect'
import { coloursFor } from './colours.js'

/** Prints a line of portslice's own on stderr, among those of the program. */
export function say(text: string): void {
  const { dim } = coloursFor(process.stderr)
  process.stderr.write(`${dim(`portslice: ${sanitize(text)}`)}\n`)
}
