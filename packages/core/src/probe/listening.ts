/** Does somebody listen on a port? Asked without touching it, so an app may bind meanwhile. */
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import { isOutOfDescriptors } from '../errors.js'

/**
 * The kernel's tables of sockets, with the state of one that waits for whoever comes:
 * `0A` is LISTEN, and `07` is what an unconnected UDP socket shows (include/net/tcp_states.h).
 */
const TABLES = [
  { file: '/proc/net/tcp', waiting: '0A' },
  { file: '/proc/net/tcp6', waiting: '0A' },
  { file: '/proc/net/udp', waiting: '07' },
  { file: '/proc/net/udp6', waiting: '07' },
]
const TCP_TABLES = TABLES.slice(0, 2)
const UDP_TABLE = TABLES[2] as (typeof TABLES)[number]

/**
 * `sl: ADDRESS:PORT remote STATE queues timer retransmits uid timeout INODE …`, in hexadecimal
 * up to the state, the address in the machine's byte order.
 */
const ROW = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ +(\d+)/
const LOOPBACK = os.endianness() === 'LE' ? '0100007F' : '7F000001'

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

async function portsIn(from: typeof TABLES): Promise<ReadonlySet<number> | undefined> {
  const tables = await Promise.all(from.map(waitingSockets))
  // Without IPv6 there are no tables for it.
  return tables.every((sockets) => sockets === undefined)
    ? undefined
    : new Set(tables.flatMap((sockets) => sockets?.map(({ port }) => port) ?? []))
}

/** The UDP ports bound on 127.0.0.1 and not connected, as sentinels are; `undefined` as above. */
export async function unconnectedUdpPortsOnLoopback(): Promise<ReadonlySet<number> | undefined> {
  const sockets = await waitingSockets(UDP_TABLE)
  return (
    sockets &&
    new Set(sockets.filter(({ address }) => address === LOOPBACK).map(({ port }) => port))
  )
}

/** Every socket that is listened on, as `/proc/<pid>/fd` names it; `undefined` as above. */
export async function listeningSockets(): Promise<{ port: number; file: string }[] | undefined> {
  const tables = await Promise.all(TABLES.map(waitingSockets))
  if (tables.every((sockets) => sockets === undefined)) return undefined
  return tables.flatMap(
    (sockets) => sockets?.map(({ port, inode }) => ({ port, file: `socket:[${inode}]` })) ?? [],
  )
}

async function waitingSockets({
  file,
  waiting,
}: (typeof TABLES)[number]): Promise<
  { address: string; port: number; inode: string }[] | undefined
> {
  const text = await fs.promises.readFile(file, 'latin1').catch((error) => {
    // No table is one thing, and no more files to be opened is another.
    if (isOutOfDescriptors(error)) throw error
    return undefined
  })
  return text?.split('\n').flatMap((line) => {
    const [, address, port, state, inode] = ROW.exec(line) ?? []
    return address && port && inode && state === waiting
      ? [{ address, port: Number.parseInt(port, 16), inode }]
      : []
  })
}

/** Long enough for a connection on loopback, which is either there at once or not, in ms. */
const CONNECT_TIMEOUT = 1000

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
          socket.setTimeout(CONNECT_TIMEOUT, () => answer(false))
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
