/** Probes a port on each address, for systems on which a wildcard and a specific address can share a port. */
import getPort, { clearLockedPorts } from 'get-port'
import { codeOf } from '../errors.js'
import { networkAddresses } from '../platform/local-addresses.js'
import { system } from '../platform/system.js'
import { isNoSuchAddress } from './bind-errors.js'
import { bindUdp, closeUdp } from './bind-udp.js'
import { FREE, IN_USE, type PortProbe, probeFromError } from './port-probe.js'

const WILDCARDS = ['0.0.0.0', '::']

/** All addresses, because a wildcard does not conflict with the others. */
export function probedAddresses(networks: readonly string[] = networkAddresses()): string[] {
  return [...WILDCARDS, '127.0.0.1', '::1', ...networks]
}

export function probeTcpOnAddresses(port: number): Promise<PortProbe> {
  return probeEach(probedAddresses(), (address) => canListen(port, address))
}

export function probeUdpOnAddresses(port: number): Promise<PortProbe> {
  return probeEach(system.isWildcardExclusive ? WILDCARDS : probedAddresses(), async (address) => {
    const socket = await bindUdp(port, address, { ipv6Only: address.includes(':') })
    if (!socket) return false
    await closeUdp(socket)
    return true
  })
}

async function probeEach(
  addresses: readonly string[],
  canBind: (address: string) => Promise<boolean>,
): Promise<PortProbe> {
  let missing: unknown
  let isAnyBound = false
  for (const address of addresses) {
    try {
      if (!(await canBind(address))) return IN_USE
      isAnyBound = true
    } catch (error) {
      if (!isNoSuchAddress(error)) return probeFromError(error)
      missing = error
    }
  }
  if (!isAnyBound) throw missing
  return FREE
}

async function canListen(port: number, host: string): Promise<boolean> {
  // get-port remembers ports that it has returned, and would report them as taken.
  clearLockedPorts()
  try {
    // Excluding 0 prevents the fallback to a random port.
    return (await getPort({ port, host, exclude: [0], exclusive: true })) === port
  } catch (error) {
    // get-port's own error, which has no code, means that no port was free.
    if (error instanceof Error && codeOf(error) === '') return false
    throw error
  }
}
