/** What an app looks like from outside. Asked by the watchdog, in which no test has replaced anything. */
import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { ProcessTree } from '@portslice/process-tree'
import { processWithoutPort } from './without-port.js'

export interface Question {
  /** The app's port. */
  port: number
  /** By what name it was reached before; not asked again then. */
  host?: string
  /** A path of the app, or a URL, to be answered. */
  url?: string
}

export interface Observation {
  /** Who listens on the port, as `ProcessTree.listenerOn` tells. */
  listener: Awaited<ReturnType<ProcessTree['listenerOn']>>
  /** By what name clients reach it; missing while nothing listens. */
  host?: string
  /** What the URL was answered with. */
  answer?: Answer
  /** A process of the tree that was not told its port. */
  withoutPort?: string
}

export interface Answer {
  url: string
  /** HTTP's; missing where there was no answer. */
  status?: number
  /** Why there was none. */
  error?: string
}

/** An app that accepts a connection and is silent may answer the next one. */
const ANSWER_TIMEOUT_MS = 10_000
/** A connection on loopback is there at once, or not at all. */
const CONNECT_TIMEOUT_MS = 1000

export async function observe(tree: ProcessTree, question: Question): Promise<Observation> {
  const { port, url } = question
  const listener = await tree.listenerOn(port)
  const host = listener === 'none' ? undefined : (question.host ?? (await reachableName(port)))
  const withoutPort = listener === 'none' ? await processWithoutPort(tree) : undefined
  return {
    listener,
    ...(host !== undefined && { host }),
    ...(withoutPort !== undefined && { withoutPort }),
    ...(url !== undefined && { answer: await answerOf(url, port, host) }),
  }
}

/**
 * `localhost`, unless that means an address on which the app does not listen: servers choose
 * between 127.0.0.1 and ::1 in different ways, and clients try only what `localhost` resolves to.
 */
async function reachableName(port: number): Promise<string> {
  const resolved = await dns.promises.lookup('localhost', { all: true }).catch(() => [])
  const families = new Set(resolved.map(({ family }) => family))
  if (families.size === 2) return 'localhost'
  for (const { address } of resolved) if (await accepts(address, port)) return 'localhost'
  if (!families.has(4) && (await accepts('127.0.0.1', port))) return '127.0.0.1'
  if (!families.has(6) && (await accepts('::1', port))) return '[::1]'
  return 'localhost'
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port })
    const end = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

async function answerOf(text: string, port: number, host = 'localhost'): Promise<Answer> {
  const url = new URL(text, `http://${host}:${port}`)
  // A whole URL names the app by a name by which it may not be reached here.
  if (url.hostname === 'localhost' && url.port === String(port)) url.hostname = host
  try {
    return { url: String(url), status: await statusOf(url) }
  } catch (error) {
    return { url: String(url), error: messageOf(error) }
  }
}

function statusOf(url: URL): Promise<number> {
  const { get } = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      // An app under test signs its certificate itself.
      { rejectUnauthorized: false, agent: false, timeout: ANSWER_TIMEOUT_MS },
      (response) => {
        response.resume()
        request.destroy()
        resolve(response.statusCode ?? 0)
      },
    )
    request.on('timeout', () => request.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)))
    request.on('error', reject)
  })
}

export function messageOf(error: unknown): string {
  // Of several addresses that were tried, Node's error has a message for each, and none itself.
  const { errors } = (error ?? {}) as Partial<AggregateError>
  if (Array.isArray(errors) && errors.length > 0) return messageOf(errors[0])
  return error instanceof Error ? error.message : String(error)
}
