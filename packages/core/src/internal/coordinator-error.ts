import { PortsliceError } from '../errors.js'
import { hidePassword } from '../options/remote.js'

/** @param problem begins after the name of the database */
export function coordinatorError(
  url: string,
  problem: string,
  advice: string,
  cause?: unknown,
): PortsliceError {
  const value = hidePassword(url)
  const text = `The coordinator ${JSON.stringify(value)} ${problem}`
  return new PortsliceError('ERR_PORTSLICE_COORDINATOR', text, { value, advice, cause })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
