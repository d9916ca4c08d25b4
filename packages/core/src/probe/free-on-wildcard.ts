/** Probes a port with one bind of `::`, which on Linux includes IPv4. */
import type dgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { CLOSES_UDP_SYNCHRONOUSLY } from '../platform/runtime.js'
import { system } from '../platform/system.js'
import { isNoSuchAddress } from './bind-errors.js'
import { closeUdp, udpSocket } from './bind-udp.js'
import { probeUdpOnAddresses } from './free-on-addresses.js'
import { FREE, type PortProbe, probeFromError } from './port-probe.js'

let isOneBindEnough: boolean | undefined

export function probeUdpOnWildcard(port: number): PortProbe | Promise<PortProbe> {
  isOneBindEnough ??= doesWildcardIncludeIpv4()
  return isOneBindEnough ? probeUdpWithOneBind(port) : probeUdpOnAddresses(port)
}

/** A numeric address needs no resolver, so Node binds and closes synchronously. Bun and Deno do not. */
function probeUdpWithOneBind(port: number): PortProbe | Promise<PortProbe> {
  const socket = udpSocket('udp6')
  let isBound = false
  let failure: Error | undefined
  socket.once('listening', () => {
    isBound = true
  })
  socket.once('error', (error) => {
    failure = error
  })
  socket.bind({ port, address: '::', exclusive: true })
  if (!isBound) {
    const bound = failure ? Promise.reject(failure) : once(socket, 'listening')
    return probeUdpWhenBound(port, socket, bound)
  }
  if (!CLOSES_UDP_SYNCHRONOUSLY) return closeUdp(socket).then(() => FREE)
  socket.close()
  return FREE
}

async function probeUdpWhenBound(
  port: number,
  socket: dgram.Socket,
  bound: Promise<unknown>,
): Promise<PortProbe> {
  try {
    await bound
    return FREE
  } catch (error) {
    if (!isNoSuchAddress(error)) return probeFromError(error)
    isOneBindEnough = false
    return await probeUdpOnAddresses(port)
  } finally {
    await closeUdp(socket)
  }
}

function doesWildcardIncludeIpv4(): boolean {
  if (!system.isWildcardExclusive) return false
  try {
    return readFileSync('/proc/sys/net/ipv6/bindv6only', 'utf8').trim() === '0'
  } catch {
    return false // No IPv6, or not readable.
  }
}

/** Linux only. Without a host, Node listens on `::`, or on `0.0.0.0` without IPv6. */
export function probeTcpOnWildcard(port: number): PortProbe | Promise<PortProbe> {
  const server = net.createServer()
  // Exclusive: otherwise the port of another worker of a Node cluster looks free.
  server.listen({ port, exclusive: true })
  // Node listens synchronously, as neither a resolver nor the primary is needed.
  if (server.listening) {
    server.close()
    return FREE
  }
  return new Promise((resolve, reject) => {
    server.once('listening', () => {
      server.close()
      resolve(FREE)
    })
    server.once('error', (error) => {
      try {
        resolve(probeFromError(error))
      } catch {
        reject(error)
      }
    })
  })
}
