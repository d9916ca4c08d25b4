import { PortsliceError } from '@portslice/core/internal/inspect'
import { printError } from '../terminal/print.js'
import { USAGE } from './usage-error.js'

const USAGE_STATUS = 2

/** @returns the exit status */
export function reportError(error: unknown): number {
  if (error instanceof PortsliceError) {
    printError(error.message)
    return error.code === USAGE ? USAGE_STATUS : 1
  }
  // A bug in portslice: the stack helps to find it.
  printError((error as Error)?.stack ?? String(error))
  return 1
}
