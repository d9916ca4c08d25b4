import type { EventEmitter } from 'node:events'
import type { ListenOptions as NetListenOptions } from 'node:net'
import type { PortLease } from '../allocator/lease.js'
import { codeOf, inspect, invalidOption, PortsliceError } from '../errors.js'
import { checkTakeOptions, type TakeOptions } from '../options/options.js'
import { boolean, integer } from '../options/validate.js'
import { isConnectedWorker, joinCluster } from './cluster-server.js'
import { retryWithPorts } from './retry-with-ports.js'

/**
 * A server of `net`, `http`, `https` or `http2`, or an object with the same `listen`, `close` and
 * events. The app of a web framework is not a server: it creates one.
 */
export interface ListeningServer extends Pick<EventEmitter, 'once' | 'off'> {
  /**
   * As in Node's `net.Server`.
   *
   * @param options where to listen
   */
  listen(options: NetListenOptions): unknown
  /** As in Node's `net.Server`. */
  close(): unknown
}

/** Options of `listen`. */
export interface ListenOptions extends Omit<TakeOptions, 'releaseWhenClosed'> {
  /** As in Node's `server.listen`: the address to listen on. Default: all addresses. */
  host?: string
  /** As in Node's `server.listen`: how many connections may wait to be accepted. */
  backlog?: number
  /** As in Node's `server.listen`: for `::`, whether to listen on IPv6 only. */
  ipv6Only?: boolean
}

/** How many ports are tried if programs that do not use portslice bind them first. */
const MAX_TRIES = 10

/** See `listen`. */
export async function listenOnLease(
  server: ListeningServer,
  options: ListenOptions,
): Promise<PortLease> {
  checkServer(server)
  checkTakeOptions(options, { host: hostName, backlog: integer(0), ipv6Only: boolean })
  const { host, backlog, ipv6Only, ...take } = options
  const where = {
    ...(host !== undefined && { host }),
    ...(backlog !== undefined && { backlog }),
    ...(ipv6Only !== undefined && { ipv6Only }),
  }
  const isInCluster = isConnectedWorker()
  return retryWithPorts(take, {
    maxTries: MAX_TRIES,
    isPortTaken: (error) => codeOf(error) === 'EADDRINUSE',
    attempt: async (lease) => {
      // Without `exclusive` the workers of a cluster would share one socket.
      const on = { ...where, port: lease.port, exclusive: true }
      await startListening(server, on, () => {
        server.once('close', () => void lease.release())
        if (isInCluster) joinCluster(server, Boolean(host))
      })
      return lease
    },
  })
}

/** @param onListen called during the event, because the next listener may close the server */
function startListening(
  server: ListeningServer,
  options: NetListenOptions,
  onListen: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = () => {
      server.off('listening', onListening)
      server.off('error', onError)
      server.off('close', onEarlyClose)
    }
    const onListening = () => {
      forget()
      onListen()
      resolve()
    }
    const onError = (error: unknown) => {
      forget()
      reject(error)
    }
    const onEarlyClose = () => {
      onError(
        new PortsliceError('ERR_PORTSLICE_CLOSED', 'The server was closed before it listened.', {
          advice: 'Close it after `listen` has resolved.',
        }),
      )
    }
    server.once('listening', onListening)
    server.once('error', onError)
    server.once('close', onEarlyClose)
    try {
      const answer = server.listen(options) as Partial<Promise<unknown>> | undefined
      if (typeof answer?.catch === 'function') answer.catch(onError)
    } catch (error) {
      onError(error)
    }
  })
}

function checkServer(server: unknown): asserts server is ListeningServer {
  const { listen, close, once, off } = (server ?? {}) as Partial<ListeningServer>
  if ([listen, close, once, off].every((method) => typeof method === 'function')) return
  throw invalidOption(
    `listen was given ${inspect(server)}, which is not a server.`,
    server,
    'Give a server of net, http, https or http2, or one with the same methods and events; for an app (Express, Koa) create one first: createServer(app).',
  )
}

function hostName(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'Give a host name or an address.'
}
