/** Does another server answer on a port that no socket of this machine has? */
import net from 'node:net'
import { isOutOfDescriptors } from '../errors.js'

/** Kubernetes' NodePorts: packets to them are redirected by rules of nftables, without a socket. */
const NODE_PORTS = { first: 30_000, last: 32_767 }
/** On loopback the kernel answers at once. Without an answer, a rule sends the packets elsewhere. */
const CONNECT_TIMEOUT_MS = 200

/**
 * Whether it is asked if packets to a port are redirected before it is handed out.
 *
 * @param port 1 to 65535
 */
export function mayBeRedirected(port: number): boolean {
  return process.platform === 'linux' && port >= NODE_PORTS.first && port <= NODE_PORTS.last
}

/**
 * Whether connections to a port reach something, though it can be bound. Connects once over IPv4 and
 * IPv6; refused means no.
 *
 * @param port one that was found free
 * @throws the system's error when no socket can be had at all (EMFILE …)
 */
export async function isRedirected(port: number): Promise<boolean> {
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => isAnswered(port, host)))
  return answers.includes(true)
}

function isAnswered(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host })
    const answer = (isReached: boolean) => {
      socket.destroy()
      resolve(isReached)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer(true))
    // A socket can be connected to itself, if the kernel gives it this very port to come from.
    socket.once('connect', () => answer(socket.localPort !== port))
    socket.once('error', (error) => {
      if (isOutOfDescriptors(error)) reject(error)
      else answer(false)
    })
  })
}
