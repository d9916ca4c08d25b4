import {
  isListening,
  listeningPorts,
  mayBeRedirected,
  portsOf,
  type ResolvedOptions,
} from '@portslice/core/internal/inspect'
import { listNames } from '../terminal/format.js'
import { type Finding, note } from './finding.js'
import { tryToConnect } from './try-to-connect.js'

/** Each port takes two sockets; the usual limit is 1024 open files. */
const PORTS_AT_ONCE = 128
/** Loopback answers immediately, unless a rule of the packet filter drops the packets. */
const CONNECT_TIMEOUT_MS = 500
const MAX_NAMED_PORTS = 12

/** Finds ports that the packet filter redirects, such as NodePorts of Kubernetes. They have no socket here. */
export async function redirectedFinding({ slices }: ResolvedOptions): Promise<Finding | undefined> {
  const candidates = [...slices].flatMap(portsOf).filter(mayBeRedirected)
  if (candidates.length === 0) return undefined
  const listening = await listeningPorts()
  if (!listening) {
    return note(
      'redirected-ports',
      'Whether ports of 30000-32767 are redirected, for example by Kubernetes, is unknown, because /proc/net cannot be read. portslice tests a port of this range with a connection before it hands it out.',
    )
  }
  const redirected = await filterRedirected(candidates.filter((port) => !listening.has(port)))
  if (redirected.length === 0) return undefined
  return note(
    'redirected-ports',
    `Connections to these ports are answered although no socket of this network namespace has them: ${listNames(redirected.map(String), MAX_NAMED_PORTS)}. The packet filter redirects them, as Kubernetes does with NodePorts. They are not handed out.`,
    'Nothing needs to be done, unless more services are added while tests run: then use ports below 30000, with $PORTSLICE_RANGE.',
  )
}

async function filterRedirected(ports: readonly number[]): Promise<number[]> {
  const found: number[] = []
  for (let start = 0; start < ports.length; start += PORTS_AT_ONCE) {
    const batch = ports.slice(start, start + PORTS_AT_ONCE)
    const answers = await Promise.all(batch.map(isAnswered))
    found.push(...batch.filter((_, i) => answers[i]))
  }
  // An app may have started to listen meanwhile.
  const listening = await Promise.all(found.map(isListening))
  return found.filter((_, i) => !listening[i]).sort((a, b) => a - b)
}

async function isAnswered(port: number): Promise<boolean> {
  const results = await Promise.all(
    ['127.0.0.1', '::1'].map((host) => tryToConnect(port, host, CONNECT_TIMEOUT_MS)),
  )
  return results.includes('connected')
}
