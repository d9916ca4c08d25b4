import os from 'node:os'
import { isOutOfDescriptors, PortsliceError } from '../errors.js'
import { isNotPermitted } from './bind-errors.js'
import { bindUdp, closeUdp } from './bind-udp.js'
import { type FREE, IN_USE, type PortProbe, probeFromError } from './port-probe.js'

/** A sentinel or claim socket on 127.0.0.1. The kernel closes it when its process or thread ends. */
export interface HeldUdpPort {
  close(): Promise<void>
}

export type UdpHold =
  | { readonly state: 'held'; readonly held: HeldUdpPort }
  | Exclude<PortProbe, typeof FREE>

export async function tryToHoldUdpPort(port: number): Promise<UdpHold> {
  try {
    const held = await holdUdpPort(port)
    return held ? { state: 'held', held } : IN_USE
  } catch (error) {
    return probeFromError(error)
  }
}

/** `undefined` if another socket has the port. @throws the system error */
export async function holdUdpPort(port: number): Promise<HeldUdpPort | undefined> {
  const socket = await bindUdp(port, '127.0.0.1').catch((error: unknown) => {
    throw isNotPermitted(error) || isOutOfDescriptors(error) ? error : noLoopback(error as Error)
  })
  if (!socket) return undefined
  socket.on('error', () => {}) // Ignore datagrams and their errors.
  return { close: () => closeUdp(socket) }
}

export async function isUdpPortHeld(port: number): Promise<boolean> {
  const held = await holdUdpPort(port)
  await held?.close()
  return held === undefined
}

function noLoopback(cause: Error): PortsliceError {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? [])
  const hasIpv6Only =
    addresses.some(({ address }) => address === '::1') &&
    !addresses.some(({ address }) => address === '127.0.0.1')
  return new PortsliceError(
    'ERR_PORTSLICE_NO_SOCKET',
    `No UDP socket can be bound on 127.0.0.1 (${cause.message})${hasIpv6Only ? ': the loopback interface has ::1, but not 127.0.0.1' : ''}.`,
    {
      advice: hasIpv6Only
        ? 'portslice holds each slice by a socket on 127.0.0.1. Add that address: ip addr add 127.0.0.1/8 dev lo'
        : 'portslice needs the loopback interface to be up with 127.0.0.1: see `ip addr show lo`. In a new network namespace: ip link set lo up',
      cause,
    },
  )
}
