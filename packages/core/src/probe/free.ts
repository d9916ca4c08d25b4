/** Is a port free, for UDP and for TCP, on every address of this machine? */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { isNoSuchAddress, isTaken } from './bind-errors.js'
import { bindUdp, udpSocket } from './bind-udp.js'
import { isFreeForTcpOnAddresses, isFreeForUdpOnAddresses } from './free-on-addresses.js'

/** Mostly known at once. A promise for it would be a good part of what the look takes. */
type Answer = boolean | Promise<boolean>

/**
 * Whether an app could bind the port now, for UDP and for TCP. Binds and closes it.
 *
 * @throws the system's error when no socket can be had at all (EMFILE …)
 */
export function isFree(port: number): Answer {
  const forUdp = isFreeForUdp(port)
  if (typeof forUdp === 'boolean') return forUdp && isFreeForTcp(port)
  return forUdp.then((free) => free && isFreeForTcp(port))
}

/** As {@link isFree}; not where there is no socket to find out. */
export async function isSurelyFree(port: number): Promise<boolean> {
  try {
    return await isFree(port)
  } catch {
    return false
  }
}

/** As {@link isFree}, for TCP alone. */
export function isFreeForTcp(port: number): Answer {
  return process.platform === 'linux' ? isFreeInOneListen(port) : isFreeForTcpOnAddresses(port)
}

/** Whether one bind for UDP clashes with a socket on any address; unknown until it is first asked. */
let oneBindTells: boolean | undefined

function isFreeForUdp(port: number): Answer {
  oneBindTells ??= isOneBindEnough()
  if (!oneBindTells) return isFreeForUdpOnAddresses(port)
  return isBoundAtOnce(port) || isFreeInOneBind(port)
}

/** Nobody has to be asked for a numeric address, so Node binds without a turn; unless it fails. */
function isBoundAtOnce(port: number): boolean {
  const socket = udpSocket('udp6')
  let isBound = false
  socket.on('listening', () => {
    isBound = true
  })
  socket.on('error', () => {}) // What is wrong is looked at with another one.
  socket.bind({ port, address: '::', exclusive: true })
  socket.close()
  return isBound
}

async function isFreeInOneBind(port: number): Promise<boolean> {
  try {
    const socket = await bindUdp(port, '::')
    socket?.close()
    return socket !== undefined
  } catch (error) {
    if (isTaken(error)) return false
    if (!isNoSuchAddress(error)) throw error
    oneBindTells = false
    return isFreeForUdpOnAddresses(port)
  }
}

/** On Linux, where `::` stands for IPv4 as well, unless the system says otherwise. */
function isOneBindEnough(): boolean {
  if (process.platform !== 'linux') return false
  try {
    return readFileSync('/proc/sys/net/ipv6/bindv6only', 'latin1').trim() === '0'
  } catch {
    return false // No IPv6, or no /proc.
  }
}

/**
 * Without a host Node listens on `::`, for IPv4 as well, or on `0.0.0.0` where there is no
 * IPv6. On Linux that clashes with a listener on any address.
 */
function isFreeInOneListen(port: number): Answer {
  const server = net.createServer()
  // Exclusive: in a cluster, a sibling's port would otherwise look free.
  server.listen({ port, exclusive: true })
  // Neither a resolver nor the primary had to be asked, so that it listens is known without a turn.
  if (server.listening) {
    server.close()
    return true
  }
  return new Promise((resolve, reject) => {
    server.once('listening', () => {
      server.close()
      resolve(true)
    })
    server.once('error', (error) => {
      if (isTaken(error)) resolve(false)
      else reject(error)
    })
  })
}
