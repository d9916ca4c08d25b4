/** Is an app ready? */
import http from 'node:http'
import https from 'node:https'
import { stripVTControlCharacters } from 'node:util'
import type { App } from './app.js'
import type { AppOptions } from './options.js'

/** True, or what is yet to happen, as it stands in a message. */
export type Readiness = true | string

/** An app that accepts a connection and is silent may answer the next one, in ms. */
const ANSWER_TIMEOUT = 10_000

/**
 * A check to be made again and again. It does not fail.
 *
 * @param from where the output of this start begins: what an earlier one printed does not count
 */
export function readyCheck(
  ready: AppOptions['ready'],
  app: App,
  isListening: () => Promise<boolean>,
  from: number,
): () => Promise<Readiness> {
  if (ready === undefined) {
    return async () => (await isListening()) || `nothing listens on port ${app.port}`
  }
  if (typeof ready === 'string') {
    const url = new URL(ready, app.url)
    return () => answers(url)
  }
  if (typeof ready === 'function') return () => says(ready, app)
  // A flag that makes it remember where it was would skip what was printed.
  const pattern = new RegExp(ready.source, ready.flags.replaceAll(/[gy]/g, ''))
  return async () =>
    pattern.test(stripVTControlCharacters(app.output(from))) || `its output does not match ${ready}`
}

/** 2xx, 3xx and 400 to 403, as for Playwright's `webServer`: somebody is there who knows the page. */
async function answers(url: URL): Promise<Readiness> {
  try {
    const status = await statusOf(url)
    return (status >= 200 && status < 404) || `${url} answers with status ${status}`
  } catch (error) {
    return `${url} does not answer (${messageOf(error)})`
  }
}

function statusOf(url: URL): Promise<number> {
  const { get } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      // An app under test signs its certificate itself.
      { rejectUnauthorized: false, agent: false, timeout: ANSWER_TIMEOUT },
      (response) => {
        response.resume()
        request.destroy()
        resolve(response.statusCode ?? 0)
      },
    )
    request.on('timeout', () => request.destroy(new Error(`no answer in ${ANSWER_TIMEOUT} ms`)))
    request.on('error', reject)
  })
}

async function says(
  ready: Extract<AppOptions['ready'], (...args: never[]) => unknown>,
  app: App,
): Promise<Readiness> {
  try {
    return (await ready(app)) === true || '`ready` does not return true'
  } catch (error) {
    return `\`ready\` throws: ${messageOf(error)}`
  }
}

function messageOf(error: unknown): string {
  // Of several addresses that were tried, Node's error has a message for each, and none itself.
  const { errors } = (error ?? {}) as Partial<AggregateError>
  if (Array.isArray(errors) && errors.length > 0) return messageOf(errors[0])
  return error instanceof Error ? error.message : String(error)
}
