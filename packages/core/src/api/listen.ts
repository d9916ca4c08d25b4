import type { PortLease } from '../allocator/lease.js'
import { loadLater } from '../platform/load-later.js'
import type { ListeningServer, ListenOptions } from './listen-on-lease.js'

export type { ListeningServer, ListenOptions } from './listen-on-lease.js'

const loadListen = loadLater(() => import('./listen-on-lease.js'))

/**
 * Makes a server listen on a port that no other process uses; each worker of a Node cluster gets its own. The
 * port is given back when the server closes. The cluster's primary gets a `listening` event, and
 * `cluster.disconnect()` closes the server.
 *
 * @param server must not listen yet
 * @param options where to listen, and options of `take`; the `signal` ends the wait for a port
 * @returns the lease, once the server listens; close the server to release it
 * @throws the error of the server's `listen`, such as ERR_SERVER_ALREADY_LISTEN; PortsliceError
 *   ERR_PORTSLICE_CLOSED if the server is closed before it listens, …_OPTION_INVALID if it is not a server,
 *   and as `takePort` does
 * @example
 * const { port } = await listen(createServer(app))
 */
export async function listen(
  server: ListeningServer,
  options: ListenOptions = {},
): Promise<PortLease> {
  const { listenOnLease } = await loadListen()
  return listenOnLease(server, options)
}
