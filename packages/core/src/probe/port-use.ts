import { formatAddress, LISTEN, readSocketTables, TIME_WAIT } from '../platform/socket-table.js'
import { fileOf } from './listening.js'
import { ownersOfFiles, type PortOwner } from './owner.js'

/** A socket or connection on a port. */
export interface PortUse {
  /**
   * `listener`: a TCP server. `udp`: a UDP socket. `connection`: a TCP connection, such as an outgoing
   * one that the OS assigned this port. The port cannot be bound then, although nothing listens.
   * `time-wait`: a closed connection, which does not prevent servers from binding the port.
   */
  kind: 'listener' | 'udp' | 'connection' | 'time-wait'
  /** The local address. */
  address: string
  /** The other end of a connection, such as `10.0.0.7:443`. */
  remote?: string
  /** The processes that have it open; empty if unknown. */
  owners: PortOwner[]
}

/**
 * What uses a port, on any address. The kernel does not show TCP sockets that are bound, but neither
 * listen nor are connected.
 *
 * @param port 1 to 65535
 * @returns `undefined` if unknown: on other systems than Linux, or if /proc/net cannot be read
 * @throws the system error if no more files can be opened (EMFILE …)
 */
export async function usesOfPort(port: number): Promise<PortUse[] | undefined> {
  const sockets = await readSocketTables(
    ['tcp', 'tcp6', 'udp', 'udp6'],
    (_state, _table, of) => of === port,
  )
  if (!sockets) return undefined
  const files = new Map(sockets.map((socket) => [fileOf(socket), socket]))
  const owners = await ownersOfFiles(files)
  return sockets.map((socket) => {
    const kind = kindOf(socket)
    return {
      kind,
      address: formatAddress(socket.address),
      ...(socket.remotePort !== 0 && {
        remote: formatEndpoint(socket.remoteAddress, socket.remotePort),
      }),
      owners: owners.get(socket) ?? [],
    }
  })
}

function kindOf({ table, state }: { table: string; state: string }): PortUse['kind'] {
  if (table.startsWith('udp')) return 'udp'
  if (state === LISTEN) return 'listener'
  return state === TIME_WAIT ? 'time-wait' : 'connection'
}

function formatEndpoint(address: string, port: number): string {
  const host = formatAddress(address)
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
