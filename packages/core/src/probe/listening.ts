import os from 'node:os'
import { networkAddresses } from '../platform/local-addresses.js'
import {
  CLOSE,
  LISTEN,
  readSocketTables,
  type SocketEntry,
  type SocketTable,
} from '../platform/socket-table.js'
import { connectTo, LOOPBACK } from './connect.js'

const TCP_TABLES: readonly SocketTable[] = ['tcp', 'tcp6']
const TABLES: readonly SocketTable[] = ['tcp', 'tcp6', 'udp', 'udp6']
const LOOPBACK_IN_TABLE = os.endianness() === 'LE' ? '0100007F' : '7F000001'
const CONNECT_TIMEOUT_MS = 1000
/** The kernel also accepts at once on these addresses, but Windows takes 2 s to refuse. */
const NETWORK_CONNECT_TIMEOUT_MS = 100

function isListeningState(state: string, table: SocketTable): boolean {
  return state === (table.startsWith('tcp') ? LISTEN : CLOSE)
}

/** TCP listener or UDP socket, on any address; without /proc/net only TCP, on loopback and the machine's networks. */
export async function isListening(port: number): Promise<boolean> {
  return isIn(await listeningPorts(), port)
}

export async function isListeningForTcp(port: number): Promise<boolean> {
  return isIn(await portsIn(TCP_TABLES), port)
}

async function isIn(listening: ReadonlySet<number> | undefined, port: number): Promise<boolean> {
  return listening?.has(port) ?? acceptsConnections(port)
}

export async function acceptsConnections(
  port: number,
  networks: readonly string[] = networkAddresses(),
): Promise<boolean> {
  const answers = await Promise.all([
    connectTo(LOOPBACK, port, CONNECT_TIMEOUT_MS),
    connectTo(networks, port, NETWORK_CONNECT_TIMEOUT_MS),
  ])
  return answers.flat().includes('accepted')
}

/** `undefined` if there is no /proc/net. */
export function listeningPorts(): Promise<ReadonlySet<number> | undefined> {
  return portsIn(TABLES)
}

async function portsIn(tables: readonly SocketTable[]): Promise<ReadonlySet<number> | undefined> {
  const sockets = await readSocketTables(tables, isListeningState)
  return sockets && new Set(sockets.map(({ port }) => port))
}

/** Bound on 127.0.0.1 and not connected, as sentinels are; `undefined` if there is no /proc/net. */
export async function unconnectedUdpPortsOnLoopback(): Promise<ReadonlySet<number> | undefined> {
  const sockets = await readSocketTables(['udp'], isListeningState)
  const onLoopback = sockets?.filter(({ address }) => address === LOOPBACK_IN_TABLE)
  return onLoopback && new Set(onLoopback.map(({ port }) => port))
}

export async function listeningSockets(): Promise<{ port: number; file: string }[] | undefined> {
  const sockets = await readSocketTables(TABLES, isListeningState)
  return sockets?.map((socket) => ({ port: socket.port, file: fileOf(socket) }))
}

export function fileOf({ inode }: SocketEntry): string {
  return `socket:[${inode}]`
}
