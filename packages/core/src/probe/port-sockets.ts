import { hostInUrl } from '../platform/host-in-url.js'
import { formatAddress, LISTEN, readSocketTables, TIME_WAIT } from '../platform/socket-table.js'
import { fileOf } from './listening.js'
import { ownersOfFiles, type PortOwner } from './owner.js'

export interface PortSocket {
  /** A `connection` keeps its port from being bound, although nothing listens; `time-wait` does not. */
  kind: 'listener' | 'udp' | 'connection' | 'time-wait'
  address: string
  /** Such as `10.0.0.7:443`. */
  remote?: string
  owners: PortOwner[]
}

/** Everything on a port, on any address; `undefined` if unknown. Linux only. */
export async function socketsOfPort(port: number): Promise<PortSocket[] | undefined> {
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

function kindOf({ table, state }: { table: string; state: string }): PortSocket['kind'] {
  if (table.startsWith('udp')) return 'udp'
  if (state === LISTEN) return 'listener'
  return state === TIME_WAIT ? 'time-wait' : 'connection'
}

function formatEndpoint(address: string, port: number): string {
  return `${hostInUrl(formatAddress(address))}:${port}`
}
