import type { PortsliceError } from '../errors.js'
import { coordinatorError, hidePassword } from '../options/remote.js'

/** For the packages of databases. @param problem begins after the name of the database */
export function sessionError(
  url: string,
  problem: string,
  advice: string,
  cause?: unknown,
): PortsliceError {
  const name = JSON.stringify(hidePassword(url))
  return coordinatorError(`The coordinator ${name} ${problem}`, url, advice, cause)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
