/** What has a port, and whose it is: for people. */
import { formatAddress, LISTEN, readSocketTables, TIME_WAIT } from '../platform/socket-table.js'
import { fileOf } from './listening.js'
import { ownersOfFiles, type PortOwner } from './owner.js'

/** One thing that has a port. */
export interface PortUse {
  /**
   * `listener`: a TCP server. `udp`: a UDP socket. `connection`: a TCP connection, such as an outgoing
   * one that the OS gave this port; it keeps others from binding it though nothing listens.
   * `time-wait`: what the kernel keeps of a closed connection, which is in no server's way.
   */
  kind: 'listener' | 'udp' | 'connection' | 'time-wait'
  /** The address that it is bound to. */
  address: string
  /** Where a connection goes to, such as `10.0.0.7:443`. */
  remote?: string
  /** The processes that have it; empty where they cannot be told. */
  owners: PortOwner[]
}

/**
 * What has a port, on whatever address; an empty list if nothing has. A socket that is bound and neither
 * listens nor is connected is not shown by the kernel.
 *
 * @param port 1 to 65535
 * @returns `undefined` where that cannot be told: elsewhere than on Linux, or if /proc/net cannot be read
 * @throws the system's error when no more files can be opened (EMFILE …)
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
