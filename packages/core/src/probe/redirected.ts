import { NODE_PORTS } from '../slice/layout.js'
import { connectOnLoopback } from './connect.js'

const CONNECT_TIMEOUT_MS = 200

/** Whether {@link isRedirected} must be called before the port is handed out. */
export function mayBeRedirected(port: number): boolean {
  return process.platform === 'linux' && port >= NODE_PORTS.first && port <= NODE_PORTS.last
}

/**
 * Whether the packet filter redirects a port that can be bound, as for Kubernetes NodePorts.
 * Connects once over IPv4 and IPv6. No answer means that a rule sends the packets elsewhere.
 *
 * @throws the system error if no socket can be opened (EMFILE …)
 */
export async function isRedirected(port: number): Promise<boolean> {
  const answers = await connectOnLoopback(port, CONNECT_TIMEOUT_MS)
  return answers.some((answer) => answer !== 'refused')
}
