import dgram from 'node:dgram'
import { isTaken } from './bind-errors.js'

/** Node's lookup checks addresses with a regular expression whose first use takes 5 ms. */
function skipLookup(
  address: string,
  family: number,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, family)
}

export function udpSocket(type: 'udp4' | 'udp6', ipv6Only = false): dgram.Socket {
  return dgram.createSocket({ type, ipv6Only, reuseAddr: false, lookup: skipLookup as never })
}

/** `undefined` if taken. `::` includes IPv4, except with `ipv6Only` or if `net.ipv6.bindv6only` is 1. */
export function bindUdp(
  port: number,
  address: string,
  { ipv6Only = false } = {},
): Promise<dgram.Socket | undefined> {
  const socket = udpSocket(address.includes(':') ? 'udp6' : 'udp4', ipv6Only)
  socket.unref()
  return new Promise((resolve, reject) => {
    const onError = (error: unknown) => {
      socket.close() // A socket stays open after a failed bind.
      if (isTaken(error)) resolve(undefined)
      else reject(error)
    }
    socket.once('error', onError)
    socket.once('listening', () => {
      socket.off('error', onError)
      resolve(socket)
    })
    // Exclusive: otherwise the workers of a Node cluster share one socket.
    socket.bind({ port, address, exclusive: true })
  })
}

export function closeUdp(socket: dgram.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
