/**
 * Is a port free on each of several addresses? Where one bind does not tell: outside of Linux
 * a wildcard and an address of its own can share a port, and on Linux `::` may stand for IPv6
 * alone, or for nothing.
 */
import getPort, { clearLockedPorts } from 'get-port'
import { codeOf } from '../errors.js'
import { isNoSuchAddress, isNotPermitted, isTaken } from './bind-errors.js'
import { bindUdp } from './bind-udp.js'
import { FREE, IN_USE, type PortProbe } from './port-probe.js'

const ADDRESSES = ['0.0.0.0', '127.0.0.1', '::', '::1']
/** On Linux a wildcard clashes with every address of its family. */
const WILDCARDS = ['0.0.0.0', '::']

/** @throws the system's error when no socket can be had at all (EMFILE …) */
export function probeTcpOnAddresses(port: number): Promise<PortProbe> {
  return probeEach(ADDRESSES, (address) => canListen(port, address))
}

/** @throws as above */
export function probeUdpOnAddresses(port: number): Promise<PortProbe> {
  return probeEach(process.platform === 'linux' ? WILDCARDS : ADDRESSES, async (address) => {
    const socket = await bindUdp(port, address, { ipv6Only: address.includes(':') })
    socket?.close()
    return socket !== undefined
  })
}

async function probeEach(
  addresses: readonly string[],
  canBind: (address: string) => Promise<boolean>,
): Promise<PortProbe> {
  let missing: unknown
  let isMissing = true
  for (const address of addresses) {
    try {
      if (!(await canBind(address))) return IN_USE
      isMissing = false
    } catch (error) {
      if (isTaken(error)) return IN_USE
      if (isNotPermitted(error)) {
        return { state: 'not-permitted', error: error as NodeJS.ErrnoException }
      }
      if (!isNoSuchAddress(error)) throw error
      missing = error
    }
  }
  // One family of addresses is enough, whichever it is.
  if (isMissing) throw missing
  return FREE
}

async function canListen(port: number, host: string): Promise<boolean> {
  // get-port remembers for a while what it gave, and would call that taken.
  clearLockedPorts()
  try {
    // Excluding 0 keeps it from falling back to a random port.
    return (await getPort({ port, host, exclude: [0], exclusive: true })) === port
  } catch (error) {
    // Its own error, without a code, means that nothing it tried was free.
    if (error instanceof Error && codeOf(error) === '') return false
    throw error
  }
}
