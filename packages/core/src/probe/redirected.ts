import { system } from '../platform/system.js'
import { NODE_PORTS } from '../slice/layout.js'
import { connectTo, LOOPBACK } from './connect.js'

const CONNECT_TIMEOUT_MS = 200

export function mayBeRedirected(port: number): boolean {
  return system.hasNodePorts && port >= NODE_PORTS.first && port <= NODE_PORTS.last
}

/** No answer means that the packet filter sends the packets elsewhere. */
export async function isRedirected(port: number): Promise<boolean> {
  const answers = await connectTo(LOOPBACK, port, CONNECT_TIMEOUT_MS)
  return answers.some((answer) => answer !== 'refused')
}
