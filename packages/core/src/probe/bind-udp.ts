/** A UDP socket bound to one port of one address, or the answer that another socket has it. */
import dgram from 'node:dgram'
import { isTaken } from './bind-errors.js'

/**
 * The addresses are numbers already. Node's own lookup makes sure of that with a regular
 * expression whose first use takes 5 ms, half of what a fresh process needs for its first port.
 */
function asItIs(
  address: string,
  family: number,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, family)
}

/** A socket that is not bound yet, for numeric addresses. */
export function udpSocket(type: 'udp4' | 'udp6', ipv6Only = false): dgram.Socket {
  return dgram.createSocket({ type, ipv6Only, reuseAddr: false, lookup: asItIs as never })
}

/**
 * Binds and unrefs a socket; `undefined` when another socket has the port.
 *
 * @param address `::` stands for IPv6 alone when `ipv6Only`, else for IPv4 as well, unless the
 *   system's `net.ipv6.bindv6only` is 1
 * @throws the system's error when it may not be bound ({@link isNotPermitted}), or no socket can be
 *   had at all (EMFILE, EADDRNOTAVAIL …)
 */
export function bindUdp(
  port: number,
  address: string,
  { ipv6Only = false } = {},
): Promise<dgram.Socket | undefined> {
  const socket = udpSocket(address.includes(':') ? 'udp6' : 'udp4', ipv6Only)
  socket.unref()
  return new Promise((resolve, reject) => {
    const onError = (error: unknown) => {
      socket.close() // A socket whose bind failed is open all the same.
      if (isTaken(error)) resolve(undefined)
      else reject(error)
    }
    socket.once('error', onError)
    socket.once('listening', () => {
      socket.off('error', onError)
      resolve(socket)
    })
    // Exclusive: workers of a Node cluster would otherwise share one socket.
    socket.bind({ port, address, exclusive: true })
  })
}

/** Resolves when the socket has gone. */
export function closeUdp(socket: dgram.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
