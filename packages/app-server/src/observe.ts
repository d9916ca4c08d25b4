import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { hostInUrl } from '@portslice/core/internal'
import type { ProcessTree } from '@portslice/process-tree'
import { findProcessWithoutPort } from './find-process-without-port.js'

export interface Query {
  port: number
  /** The host name under which clients reach the app, if known. */
  host?: string
  /** The host of the port, if it is not this machine. */
  remoteHost?: string
  /** A path of the app, or a URL. */
  url?: string
}

/** The state of an app, as its port and processes show it. */
export interface Observation {
  /** See `ProcessTree.listenerOn`. */
  listener: Awaited<ReturnType<ProcessTree['listenerOn']>>
  /** The host name under which clients reach the app; missing while nothing listens. */
  host?: string
  answer?: Answer
  /** A process that was started without $PORT. */
  withoutPort?: string
}

export interface Answer {
  url: string
  /** Missing if there was no answer. */
  status?: number
  error?: string
}

/** An app that does not answer one request may answer the next. */
const ANSWER_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 1000

/** Checks port and URL of an app. Runs in the watchdog, where tests do not replace parts of Node. */
export async function observe(tree: ProcessTree, query: Query): Promise<Observation> {
  const { port, url, remoteHost } = query
  const listener = await (remoteHost === undefined
    ? tree.listenerOn(port)
    : listenerOnHost(remoteHost, port))
  const host =
    listener === 'none'
      ? undefined
      : ((remoteHost && hostInUrl(remoteHost)) ?? query.host ?? (await reachableName(port)))
  const withoutPort = listener === 'none' ? await findProcessWithoutPort(tree) : undefined
  return {
    listener,
    ...(host !== undefined && { host }),
    ...(withoutPort !== undefined && { withoutPort }),
    ...(url !== undefined && { answer: await request(url, port, host) }),
  }
}

/** The process behind a port of another host is unknown. It is most likely a container of the app. */
async function listenerOnHost(host: string, port: number): Promise<'none' | 'unknown'> {
  return (await accepts(host, port)) ? 'unknown' : 'none'
}

/** `localhost`, unless the app listens elsewhere: servers choose differently between 127.0.0.1 and ::1. */
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

async function request(text: string, port: number, host = 'localhost'): Promise<Answer> {
  const url = new URL(text, `http://${host}:${port}`)
  // In a complete URL, `localhost` may not reach the app.
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
    const pending = get(
      url,
      // Apps under test have self-signed certificates.
      { rejectUnauthorized: false, agent: false, timeout: ANSWER_TIMEOUT_MS },
      (response) => {
        response.resume()
        pending.destroy()
        resolve(response.statusCode ?? 0)
      },
    )
    pending.on('timeout', () => pending.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)))
    pending.on('error', reject)
  })
}

export function messageOf(error: unknown): string {
  // An error for several addresses has an empty message.
  const { errors } = (error ?? {}) as Partial<AggregateError>
  if (Array.isArray(errors) && errors.length > 0) return messageOf(errors[0])
  return error instanceof Error ? error.message : String(error)
}
