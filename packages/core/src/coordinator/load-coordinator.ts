import nodeModule from 'node:module'
import path from 'node:path'
import {
  COORDINATOR_PACKAGES,
  coordinatorAdvice,
  coordinatorError,
  hidePassword,
  schemeOf,
} from '../options/remote.js'
import type { CoordinatorModule } from './coordinator-session.js'

/**
 * Searches beside `@portslice/core`, then in the project of the working directory, then beside the program
 * that runs.
 *
 * @param url such as `postgres://ci@db/ci`
 * @throws PortsliceError ERR_PORTSLICE_COORDINATOR, naming the package to install
 */
export async function loadCoordinator(url: string): Promise<CoordinatorModule> {
  const name = COORDINATOR_PACKAGES[schemeOf(url) ?? '']
  if (name === undefined) {
    throw coordinatorError(
      `The coordinator ${JSON.stringify(hidePassword(url))} is not a supported database.`,
      url,
      coordinatorAdvice(url) ?? '',
    )
  }
  const found = await firstThatExists(name)
  if (found) return found as CoordinatorModule
  throw coordinatorError(
    `The coordinator ${JSON.stringify(hidePassword(url))} needs the package ${name}, which is not installed.`,
    url,
    `Install it: npm install --save-dev ${name}`,
  )
}

async function firstThatExists(name: string): Promise<unknown> {
  const own = await import(name).catch((error) => undefinedIfMissing(error, name))
  if (own) return own
  const program = process.argv[1]
  const places = [path.resolve('package.json'), ...(program ? [program] : [])]
  for (const place of places) {
    try {
      return nodeModule.createRequire(place)(name)
    } catch (error) {
      undefinedIfMissing(error, name)
    }
  }
  return undefined
}

/** @throws the error if the package exists, but fails to load */
function undefinedIfMissing(error: unknown, name: string): undefined {
  const { code, message } = error as NodeJS.ErrnoException
  const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
  if (isMissing && message.includes(name)) return undefined
  throw error
}
