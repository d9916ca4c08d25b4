/** Probes all addresses with one bind of `::`, which on Linux includes IPv4. */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { isNoSuchAddress } from './bind-errors.js'
import { bindUdp, udpSocket } from './bind-udp.js'
import { probeUdpOnAddresses } from './free-on-addresses.js'
import { FREE, IN_USE, type PortProbe, probeFromError } from './port-probe.js'

let isOneBindEnough: boolean | undefined

export function probeUdpAtOnce(port: number): PortProbe | Promise<PortProbe> {
  isOneBindEnough ??= doesWildcardIncludeIpv4()
  if (!isOneBindEnough) return probeUdpOnAddresses(port)
  return canBindNow(port) ? FREE : probeUdpWithOneBind(port)
}

/** A numeric address needs no resolver, so Node binds synchronously, unless that fails. */
function canBindNow(port: number): boolean {
  const socket = udpSocket('udp6')
  let isBound = false
  socket.on('listening', () => {
    isBound = true
  })
  socket.on('error', () => {}) // The next probe finds out the reason.
  socket.bind({ port, address: '::', exclusive: true })
  socket.close()
  return isBound
}

async function probeUdpWithOneBind(port: number): Promise<PortProbe> {
  try {
    const socket = await bindUdp(port, '::')
    socket?.close()
    return socket ? FREE : IN_USE
  } catch (error) {
    if (!isNoSuchAddress(error)) return probeFromError(error)
    isOneBindEnough = false
    return probeUdpOnAddresses(port)
  }
}

function doesWildcardIncludeIpv4(): boolean {
  if (process.platform !== 'linux') return false
  try {
    return readFileSync('/proc/sys/net/ipv6/bindv6only', 'latin1').trim() === '0'
  } catch {
    return false // No IPv6, or not readable.
  }
}

/** Without a host Node listens on `::`, or on `0.0.0.0` if there is no IPv6. Linux only. */
export function probeTcpAtOnce(port: number): PortProbe | Promise<PortProbe> {
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
