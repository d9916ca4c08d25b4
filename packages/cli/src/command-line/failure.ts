/** How an error is shown, and the exit status that it ends the command with. */
import { PortsliceError } from '@portslice/core/internal/inspect'
import { coloursFor } from '../terminal/colours.js'
import { USAGE } from './usage-error.js'

/** The command line makes no sense. */
const USAGE_STATUS = 2

export function failure(error: unknown): number {
  const { red } = coloursFor(process.stderr)
  if (error instanceof PortsliceError) {
    process.stderr.write(`${red('portslice:')} ${error.message}\n`)
    return error.code === USAGE ? USAGE_STATUS : 1
  }
  // Not the user's mistake, but ours: the stack is what helps.
  process.stderr.write(`${red('portslice:')} ${(error as Error)?.stack ?? error}\n`)
  return 1
}
