/** Is an app ready? */
import { stripVTControlCharacters } from 'node:util'
import type { App } from './app.js'
import { type Answer, messageOf, type Observation } from './observe.js'
import type { AppOptions } from './options.js'

/** What is yet to happen. */
export type Missing =
  | { what: 'listener' }
  | { what: 'look' }
  | { what: 'stranger' }
  | { what: 'answer'; answer: Answer }
  | { what: 'output'; pattern: RegExp }
  | { what: 'function'; says: string }

/** `undefined`: it is ready. */
export type Readiness = Missing | undefined

/**
 * Whether what was observed, printed and said makes the app ready. Does not fail.
 *
 * @param from where the output of this start begins: what an earlier one printed does not count
 */
export async function readiness(
  ready: AppOptions['ready'],
  app: App,
  { listener, answer }: Observation,
  from: number,
): Promise<Readiness> {
  if (ready === undefined) return listener === 'none' ? { what: 'listener' } : undefined
  if (typeof ready === 'function') return says(ready, app)
  if (typeof ready === 'string') return answer && isAnswer(answer) ? undefined : missing(answer)
  // A flag that makes it remember where it was would skip what was printed.
  const pattern = new RegExp(ready.source, ready.flags.replaceAll(/[gy]/g, ''))
  const isPrinted = pattern.test(stripVTControlCharacters(app.output(from)))
  return isPrinted ? undefined : { what: 'output', pattern: ready }
}

/** 2xx, 3xx and 400 to 403, as for Playwright's `webServer`: the app is there and knows the page. */
function isAnswer({ status = 0 }: Answer): boolean {
  return status >= 200 && status < 404
}

function missing(answer: Answer | undefined): Missing {
  return answer ? { what: 'answer', answer } : { what: 'look' }
}

async function says(
  ready: Extract<AppOptions['ready'], (...args: never[]) => unknown>,
  app: App,
): Promise<Readiness> {
  try {
    if ((await ready(app)) === true) return undefined
    return { what: 'function', says: 'does not return true' }
  } catch (error) {
    return { what: 'function', says: `throws: ${messageOf(error)}` }
  }
}
