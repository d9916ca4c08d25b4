/** A server that listens on a leased port, and gives it back when it closes. */
import type { EventEmitter } from 'node:events'
import type { ListenOptions as NetListenOptions } from 'node:net'
import type { PortLease } from '../allocator/lease.js'
import { codeOf, inspect, PortsliceError } from '../errors.js'
import { checkTakeOptions, type TakeOptions } from '../options/options.js'
import { isConnectedWorker, joinCluster } from './cluster-server.js'
import { onFreePort } from './on-free-port.js'

/**
 * A server of `net`, `http`, `https` or `http2`, or anything with their `listen`, `close` and
 * events. The apps of web frameworks are none: they make a server of their own.
 */
export interface ListeningServer extends Pick<EventEmitter, 'once' | 'off'> {
  /**
   * As of Node's `net.Server`.
   *
   * @param options where to listen
   */
  listen(options: NetListenOptions): unknown
  /** As of Node's `net.Server`. */
  close(): unknown
}

/** What {@link listen} takes beside the server. */
export interface ListenOptions extends Omit<TakeOptions, 'releaseWhenClosed'> {
  /** As of Node's `server.listen`: the address to listen on. Default: all addresses. */
  host?: string
  /** As of Node's `server.listen`: how many connections may wait to be accepted. */
  backlog?: number
  /** As of Node's `server.listen`: for `::`, whether not to listen on IPv4 as well. */
  ipv6Only?: boolean
}

/** Programs that never ask may bind a port just before the server does. So often in a row they do not. */
const TRIES = 10

/**
 * Makes a server listen on a port that nobody else has, and gives the port back when the
 * server has closed. The port is bound while it is leased: there is no moment in which it is
 * anybody else's. Every worker of a Node cluster has a port of its own, like every thread and
 * process. The cluster's primary gets a `listening` event, and `cluster.disconnect()` closes the server.
 *
 * @param server one that does not listen yet
 * @param options where to listen, and as of `take`; the `signal` ends the wait for a port
 * @returns the lease, once the server listens. Closing the server is up to you
 * @throws what the server's `listen` gives or throws, such as ERR_SERVER_ALREADY_LISTEN; PortsliceError
 *   ERR_PORTSLICE_CLOSED when it is closed before it listens, …_OPTION_INVALID for what is no
 *   server, and as `takePort` does
 * @example
 * const server = createServer(app)
 * const { port } = await listen(server)
 */
export async function listen(
  server: ListeningServer,
  options: ListenOptions = {},
): Promise<PortLease> {
  checkServer(server)
  checkTakeOptions(options, { host: text, backlog: count, ipv6Only: flag })
  const { host, backlog, ipv6Only, ...take } = options
  const where = {
    ...(host !== undefined && { host }),
    ...(backlog !== undefined && { backlog }),
    ...(ipv6Only !== undefined && { ipv6Only }),
  }
  const isInCluster = isConnectedWorker()
  return onFreePort(take, {
    tries: TRIES,
    wasTaken: (error) => codeOf(error) === 'EADDRINUSE',
    attempt: async (lease) => {
      // Exclusive: workers of a cluster would otherwise share one socket.
      const on = { ...where, port: lease.port, exclusive: true }
      await listening(server, on, () => {
        // At once: it may be closed by the next listener.
        server.once('close', () => void lease.release())
        if (isInCluster) joinCluster(server, Boolean(host))
      })
      return lease
    },
  })
}

/** Resolves when it listens; `onListen` is called in the very event. */
function listening(
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
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `listen was given ${inspect(server)}, which is no server.`,
    {
      value: server,
      advice:
        'Give a server of net, http, https or http2, or one with their methods and events; of an app (Express, Koa) make one first: createServer(app).',
    },
  )
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'Give a host name or an address.'
}

function count(value: unknown): string | undefined {
  return Number.isInteger(value) && (value as number) >= 0 ? undefined : 'Give a whole number.'
}

function flag(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'Give true or false.'
}
