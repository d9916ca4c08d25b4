/** Is a port free, for UDP and for TCP, on every address of this machine? */
import type dgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { isNoSuchAddress, isNotPermitted, isTaken } from './bind-errors.js'
import { closeUdp, udpSocket } from './bind-udp.js'
import { probeTcpOnAddresses, probeUdpOnAddresses } from './free-on-addresses.js'
import { FREE, IN_USE, type PortProbe } from './port-probe.js'
import { isRedirected, mayBeRedirected } from './redirected.js'

export type { PortProbe } from './port-probe.js'

/** Mostly known at once. A promise for it would be a good part of what the look takes. */
type Answer<T> = T | Promise<T>

/**
 * Whether an app could bind the port now, for UDP and for TCP. Binds and closes it. In the range of
 * Kubernetes' NodePorts it also connects, as there a port can be taken without a socket.
 *
 * @param port 1 to 65535
 * @returns mostly at once, without a promise
 * @throws the system's error when it cannot be checked, as no socket can be had at all (EMFILE …)
 */
export function probePort(port: number): PortProbe | Promise<PortProbe> {
  const forUdp = probeUdp(port)
  if (forUdp === FREE) return probePortForTcp(port)
  return then(forUdp, (udp) => (udp.state === 'free' ? probePortForTcp(port) : udp))
}

/** As {@link probePort}, for TCP alone. */
export function probePortForTcp(port: number): Answer<PortProbe> {
  const forTcp = process.platform === 'linux' ? probeInOneListen(port) : probeTcpOnAddresses(port)
  if (!mayBeRedirected(port)) return forTcp
  return then(forTcp, async (tcp) =>
    tcp.state === 'free' && (await isRedirected(port)) ? IN_USE : tcp,
  )
}

/** Whether {@link probePort} finds the port free. @throws as above */
export function isFree(port: number): Answer<boolean> {
  return then(probePort(port), isStateFree)
}

/** As {@link isFree}; not where there is no socket to find out. */
export async function isSurelyFree(port: number): Promise<boolean> {
  try {
    return await isFree(port)
  } catch {
    return false
  }
}

function isStateFree({ state }: PortProbe): boolean {
  return state === 'free'
}

function then<T, R>(answer: Answer<T>, next: (value: T) => Answer<R>): Answer<R> {
  return isPromise(answer) ? answer.then(next) : next(answer)
}

/** Not by its class, which some libraries replace. */
function isPromise<T>(answer: Answer<T>): answer is Promise<T> {
  return typeof (answer as Promise<T>).then === 'function'
}

/** Whether one bind for UDP clashes with a socket on any address; unknown until it is first asked. */
let oneBindTells: boolean | undefined

function probeUdp(port: number): Answer<PortProbe> {
  oneBindTells ??= isOneBindEnough()
  return oneBindTells ? probeInOneBind(port) : probeUdpOnAddresses(port)
}

/** Node binds a numeric address, or fails, in the same turn. Bun takes another one. */
function probeInOneBind(port: number): Answer<PortProbe> {
  const socket = udpSocket('udp6')
  let isBound = false
  let failure: Error | undefined
  socket.once('listening', () => {
    isBound = true
  })
  socket.once('error', (error) => {
    failure = error
  })
  socket.bind({ port, address: '::', exclusive: true })
  if (!isBound) return probeWhenBound(port, socket, failure)
  socket.close()
  return FREE
}

async function probeWhenBound(
  port: number,
  socket: dgram.Socket,
  failure: Error | undefined,
): Promise<PortProbe> {
  try {
    if (failure) throw failure
    await once(socket, 'listening')
    return FREE
  } catch (error) {
    if (!isNoSuchAddress(error)) return probeOfError(error)
    oneBindTells = false
    return await probeUdpOnAddresses(port)
  } finally {
    await closeUdp(socket)
  }
}

/** @throws the error if it tells nothing about the port */
function probeOfError(error: unknown): PortProbe {
  if (isTaken(error)) return IN_USE
  if (!isNotPermitted(error)) throw error
  return { state: 'not-permitted', error: error as NodeJS.ErrnoException }
}

/** On Linux, where `::` stands for IPv4 as well, unless the system says otherwise. */
function isOneBindEnough(): boolean {
  if (process.platform !== 'linux') return false
  try {
    return readFileSync('/proc/sys/net/ipv6/bindv6only', 'latin1').trim() === '0'
  } catch {
    return false // No IPv6, or it may not be read.
  }
}

/**
 * Without a host Node listens on `::`, for IPv4 as well, or on `0.0.0.0` where there is no
 * IPv6. On Linux that clashes with a listener on any address.
 */
function probeInOneListen(port: number): Answer<PortProbe> {
  const server = net.createServer()
  // Exclusive: in a cluster, a sibling's port would otherwise look free.
  server.listen({ port, exclusive: true })
  // Neither a resolver nor the primary had to be asked, so that it listens is known without a turn.
  if (server.listening) {
    server.close()
    return FREE
  }
  return new Promise((resolve, reject) => {
    server.once('listening', () => {
      server.close()
      resolve(FREE)
    })
    server.once('error', (error) => {
      try {
        resolve(probeOfError(error))
      } catch {
        reject(error)
      }
    })
  })
}
