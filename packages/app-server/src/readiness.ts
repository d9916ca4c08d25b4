import { stripVTControlCharacters } from 'node:util'
import type { App } from './app.js'
import { type Answer, messageOf, type Observation } from './observe.js'
import type { AppOptions } from './options.js'
import type { Exit } from './started-process.js'

/** Why an app is not ready yet. */
export type Missing =
  | { what: 'listener' }
  | { what: 'observation' }
  | { what: 'foreign listener' }
  | { what: 'answer'; answer: Answer }
  | { what: 'output'; pattern: RegExp }
  | { what: 'function'; problem: string }

/** Why an app did not become ready. */
export type NotReady = { readonly withoutPort: string | undefined } & (
  | { readonly reason: 'ended'; readonly exit: Exit }
  | { readonly reason: 'port-taken' }
  | {
      readonly reason: 'timeout'
      readonly timeoutMs: number
      readonly missing: Missing
      readonly listensOn: readonly number[]
    }
)

/**
 * Checks the option `ready` once. Never rejects.
 *
 * @param outputStart where the output of this start begins
 * @returns `undefined` if the app is ready
 */
export async function checkReadiness(
  ready: AppOptions['ready'],
  app: App,
  { listener, answer }: Observation,
  outputStart: number,
): Promise<Missing | undefined> {
  if (ready === undefined) return listener === 'none' ? { what: 'listener' } : undefined
  if (typeof ready === 'function') return callReady(ready, app)
  if (typeof ready === 'string') {
    if (!answer) return { what: 'observation' }
    return isSuccess(answer) ? undefined : { what: 'answer', answer }
  }
  // With the flags g and y, a RegExp continues after its last match.
  const pattern = new RegExp(ready.source, ready.flags.replaceAll(/[gy]/g, ''))
  const isPrinted = pattern.test(stripVTControlCharacters(app.output(outputStart)))
  return isPrinted ? undefined : { what: 'output', pattern: ready }
}

/** 2xx, 3xx and 400 to 403, as for Playwright's `webServer`. */
function isSuccess({ status = 0 }: Answer): boolean {
  return status >= 200 && status < 404
}

async function callReady(
  ready: Extract<AppOptions['ready'], (...args: never[]) => unknown>,
  app: App,
): Promise<Missing | undefined> {
  try {
    if ((await ready(app)) === true) return undefined
    return { what: 'function', problem: 'does not return true' }
  } catch (error) {
    return { what: 'function', problem: `throws: ${messageOf(error)}` }
  }
}
