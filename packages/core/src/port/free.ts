/** Is a port free, for UDP and for TCP, on every address of this machine? */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { boundUdp } from './bound-udp.js'
import { isFreeForTcpOnAddresses, isFreeForUdpOnAddresses } from './free-on-addresses.js'
import { isNoSuchAddress, isTaken } from './refused-bind.js'

/**
 * Whether an app could bind the port now, for UDP and for TCP. Binds and closes it.
 *
 * @throws the system's error when no socket can be had at all (EMFILE …)
 */
export async function isFree(port: number): Promise<boolean> {
  return (await isFreeForUdp(port)) && (await isFreeForTcp(port))
}

/** As {@link isFree}, for TCP alone. */
export async function isFreeForTcp(port: number): Promise<boolean> {
  return process.platform === 'linux' ? isFreeInOneListen(port) : isFreeForTcpOnAddresses(port)
}

/** Whether one bind for UDP clashes with a socket on any address; unknown until it is first asked. */
let oneBindTells: boolean | undefined

async function isFreeForUdp(port: number): Promise<boolean> {
  oneBindTells ??= isOneBindEnough()
  if (!oneBindTells) return isFreeForUdpOnAddresses(port)
  try {
    const socket = await boundUdp(port, '::')
    socket?.close()
    return socket !== undefined
  } catch (error) {
    if (isTaken(error)) return false
    if (!isNoSuchAddress(error)) throw error
    oneBindTells = false
    return isFreeForUdp(port)
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
function isFreeInOneListen(port: number): Promise<boolean> {
  const server = net.createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (isTaken(error)) resolve(false)
      else reject(error)
    })
    const onListening = () => {
      server.close()
      resolve(true)
    }
    server.once('listening', onListening)
    // Exclusive: in a cluster, a sibling's port would otherwise look free.
    server.listen({ port, exclusive: true })
    // Neither a resolver nor the primary had to be asked, so it is known without a turn.
    if (server.listening) onListening()
  })
}
