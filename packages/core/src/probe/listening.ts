/** Does anything listen on a port? Asked without touching it, so an app may bind meanwhile. */
import net from 'node:net'
import os from 'node:os'
import { isOutOfDescriptors } from '../errors.js'
import {
  CLOSE,
  LISTEN,
  readSocketTables,
  type SocketEntry,
  type SocketTable,
} from '../platform/socket-table.js'

const TCP_TABLES: readonly SocketTable[] = ['tcp', 'tcp6']
const TABLES: readonly SocketTable[] = ['tcp', 'tcp6', 'udp', 'udp6']
const LOOPBACK = os.endianness() === 'LE' ? '0100007F' : '7F000001'

/** Whether a socket waits for others: LISTEN of TCP, unconnected of UDP. */
function isWaiting(state: string, table: SocketTable): boolean {
  return state === (table.startsWith('tcp') ? LISTEN : CLOSE)
}

/**
 * Whether a TCP listener or a UDP socket is on the port, on whatever address.
 *
 * Linux: read from /proc/net. Elsewhere: whether 127.0.0.1 or ::1 accepts a connection, which
 * sees no UDP and no listener that is on another address only.
 *
 * @param port 1 to 65535
 * @throws the system's error when no more files or sockets can be opened (EMFILE …), as do all here
 */
export async function isListening(port: number): Promise<boolean> {
  const listening = await listeningPorts()
  return listening ? listening.has(port) : acceptsConnections(port)
}

/** Whether a TCP listener is on the port; found out as by {@link isListening}. */
export async function isListeningForTcp(port: number): Promise<boolean> {
  const listening = await portsIn(TCP_TABLES)
  return listening ? listening.has(port) : acceptsConnections(port)
}

/** Every port of this network namespace that is listened on; `undefined` where there is no /proc/net. */
export function listeningPorts(): Promise<ReadonlySet<number> | undefined> {
  return portsIn(TABLES)
}

async function portsIn(tables: readonly SocketTable[]): Promise<ReadonlySet<number> | undefined> {
  const sockets = await readSocketTables(tables, isWaiting)
  return sockets && new Set(sockets.map(({ port }) => port))
}

/** The UDP ports bound on 127.0.0.1 and not connected, as sentinels are; `undefined` as above. */
export async function unconnectedUdpPortsOnLoopback(): Promise<ReadonlySet<number> | undefined> {
  const sockets = await readSocketTables(['udp'], isWaiting)
  return (
    sockets &&
    new Set(sockets.filter(({ address }) => address === LOOPBACK).map(({ port }) => port))
  )
}

/** Every socket that is listened on, as `/proc/<pid>/fd` names it; `undefined` as above. */
export async function listeningSockets(): Promise<{ port: number; file: string }[] | undefined> {
  const sockets = await readSocketTables(TABLES, isWaiting)
  return sockets?.map((socket) => ({ port: socket.port, file: fileOf(socket) }))
}

/** A socket as `/proc/<pid>/fd` names it. */
export function fileOf({ inode }: SocketEntry): string {
  return `socket:[${inode}]`
}

/** Long enough for a connection on loopback, which is either there at once or not, in ms. */
const CONNECT_TIMEOUT_MS = 1000

async function acceptsConnections(port: number): Promise<boolean> {
  const answers = await Promise.all(
    ['127.0.0.1', '::1'].map(
      (host) =>
        new Promise<boolean>((resolve, reject) => {
          const socket = net.connect({ port, host })
          const answer = (accepted: boolean) => {
            socket.destroy()
            resolve(accepted)
          }
          socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer(false))
          socket.once('connect', () => answer(true))
          socket.once('error', (error) => {
            if (isOutOfDescriptors(error)) reject(error)
            else answer(false)
          })
        }),
    ),
  )
  return answers.includes(true)
}
