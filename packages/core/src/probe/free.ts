import { system } from '../platform/system.js'
import { probeTcpOnAddresses } from './free-on-addresses.js'
import { probeTcpOnWildcard, probeUdpOnWildcard } from './free-on-wildcard.js'
import { FREE, IN_USE, type PortProbe } from './port-probe.js'
import { isRedirected, mayBeRedirected } from './redirected.js'

export type { PortProbe } from './port-probe.js'

/** Not always a promise, because a promise would take a large part of the time of a probe. */
type MaybePromise<T> = T | Promise<T>

/** Probes UDP and TCP on every address. @throws the system error if no socket can be opened (EMFILE …) */
export function probePort(port: number): MaybePromise<PortProbe> {
  return then(probeUdpOnWildcard(port), (udp) => (udp === FREE ? probePortForTcp(port) : udp))
}

export function probePortForTcp(port: number): MaybePromise<PortProbe> {
  const probe = system.isWildcardExclusive ? probeTcpOnWildcard(port) : probeTcpOnAddresses(port)
  if (!mayBeRedirected(port)) return probe
  return then(probe, async (tcp) => (tcp === FREE && (await isRedirected(port)) ? IN_USE : tcp))
}

export function isFree(port: number): MaybePromise<boolean> {
  return then(probePort(port), (probe) => probe === FREE)
}

/** As {@link isFree}; false also if no socket can be opened. */
export async function isSurelyFree(port: number): Promise<boolean> {
  try {
    return await isFree(port)
  } catch {
    return false
  }
}

function then<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value)
}

/** Not `instanceof`: some libraries replace the class. */
function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Promise<T>).then === 'function'
}
