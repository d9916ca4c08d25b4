/** Is a port free, for UDP and for TCP, on every address of this machine? */
import dgram from 'node:dgram'
import { once } from 'node:events'
import getPort, { clearLockedPorts } from 'get-port'
import { codeOf } from '../errors.js'

/**
 * The addresses on which a listener anywhere makes a bind fail. On Linux `::` clashes for TCP
 * with a listener on any address; elsewhere a wildcard and an address of its own can share a
 * port. For UDP `::` may be IPv6 alone (`net.ipv6.bindv6only`), so both are asked.
 */
const WITH_IPV6 =
  process.platform === 'linux'
    ? { tcp: ['::'], udp: ['0.0.0.0', '::'] }
    : { tcp: ['::', '0.0.0.0', '127.0.0.1', '::1'], udp: ['0.0.0.0', '127.0.0.1', '::', '::1'] }
const WITHOUT_IPV6 =
  process.platform === 'linux'
    ? { tcp: ['0.0.0.0'], udp: ['0.0.0.0'] }
    : { tcp: ['0.0.0.0', '127.0.0.1'], udp: ['0.0.0.0', '127.0.0.1'] }

/** What binding an IPv6 address answers where there is no IPv6. */
const NO_SUCH_ADDRESS = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT'])
/** Somebody has it. EACCES: Windows says so of a port that is in exclusive use or reserved. */
const TAKEN = new Set(['EADDRINUSE', 'EACCES'])

let hosts = WITH_IPV6

/**
 * Whether an app could bind the port now, for UDP and for TCP. Binds and closes it.
 *
 * @throws the system's error when no socket can be had at all (EMFILE …)
 */
export async function isFree(port: number): Promise<boolean> {
  return (
    (await canBind(port, canBindUdp, ({ udp }) => udp)) &&
    (await canBind(port, canBindTcp, ({ tcp }) => tcp))
  )
}

/** As {@link isFree}, for TCP alone. */
export function isFreeForTcp(port: number): Promise<boolean> {
  return canBind(port, canBindTcp, ({ tcp }) => tcp)
}

async function canBind(
  port: number,
  canBindOn: (port: number, host: string) => Promise<boolean>,
  among: (all: typeof hosts) => readonly string[],
): Promise<boolean> {
  try {
    for (const host of among(hosts)) if (!(await canBindOn(port, host))) return false
    return true
  } catch (error) {
    if (hosts === WITHOUT_IPV6 || !NO_SUCH_ADDRESS.has(codeOf(error))) throw error
    hosts = WITHOUT_IPV6
    return canBind(port, canBindOn, among)
  }
}

async function canBindUdp(port: number, host: string): Promise<boolean> {
  const isIpv6 = host.includes(':')
  const socket = dgram.createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 })
  socket.unref()
  try {
    // Exclusive: in a cluster, a sibling's port would otherwise look free.
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
    return true
  } catch (error) {
    if (TAKEN.has(codeOf(error))) return false
    throw error
  } finally {
    await new Promise<void>((resolve) => {
      socket.close(() => resolve())
    })
  }
}

async function canBindTcp(port: number, host: string): Promise<boolean> {
  // get-port remembers for a while what it gave, and would call that taken.
  clearLockedPorts()
  try {
    // Excluding 0 keeps it from falling back to a random port.
    const options = { port, host, exclude: [0], exclusive: true }
    return (await getPort(options)) === port
  } catch (error) {
    // Its own error, without a code, means that nothing it tried was free.
    if (error instanceof Error && codeOf(error) === '') return false
    throw error
  }
}
