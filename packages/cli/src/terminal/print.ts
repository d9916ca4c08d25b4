import { sanitize } from '@portslice/core/internal/inspect'
import { coloursFor } from './colours.js'

/** Prints a line on stderr, dimmed to set it apart from the output of the program. */
export function printNotice(text: string): void {
  const { dim } = coloursFor(process.stderr)
  process.stderr.write(`${dim(`portslice: ${sanitize(text)}`)}\n`)
}

export function printError(message: string): void {
  const { red } = coloursFor(process.stderr)
  process.stderr.write(`${red('portslice:')} ${message}\n`)
}
