/** A UDP port of 127.0.0.1 that is held for others to see: a sentinel, or the flag of a claim. */
import os from 'node:os'
import { isOutOfDescriptors, PortsliceError } from '../errors.js'
import { isNotPermitted } from './bind-errors.js'
import { bindUdp, closeUdp } from './bind-udp.js'

/**
 * The kernel keeps it exclusive in the network namespace, whoever the other is, and closes it
 * when its process or thread ends, however it ends.
 */
export interface HeldUdpPort {
  /** Gives it back. */
  close(): Promise<void>
}

/** What became of the wish to hold a UDP port. */
export type UdpHold =
  | {
      /** This process holds it now. */
      readonly state: 'held'
      /** Gives it back. */
      readonly held: HeldUdpPort
    }
  | {
      /** Another socket has it. */
      readonly state: 'in-use'
    }
  | {
      /** This process may not bind it, used or not. */
      readonly state: 'not-permitted'
      /** EACCES or EPERM, with what was not permitted. */
      readonly error: NodeJS.ErrnoException
    }

/**
 * Holds a port until it is closed, or tells why it cannot be held.
 *
 * @param port 1 to 65535
 * @throws the system's error when no more sockets can be opened (EMFILE …); PortsliceError
 *   ERR_PORTSLICE_NO_SOCKET when there is no 127.0.0.1
 */
export async function tryToHoldUdpPort(port: number): Promise<UdpHold> {
  try {
    const held = await holdUdpPort(port)
    return held ? { state: 'held', held } : { state: 'in-use' }
  } catch (error) {
    if (!isNotPermitted(error)) throw error
    return { state: 'not-permitted', error: error as NodeJS.ErrnoException }
  }
}

/**
 * Holds a port until it is closed, or gives `undefined` when another socket has it.
 *
 * @param port 1 to 65535
 * @throws the system's error when this process may not bind it (EACCES, EPERM), or no more sockets
 *   can be opened (EMFILE …); PortsliceError ERR_PORTSLICE_NO_SOCKET when there is no 127.0.0.1
 */
export async function holdUdpPort(port: number): Promise<HeldUdpPort | undefined> {
  const socket = await bindUdp(port, '127.0.0.1').catch((error: unknown) => {
    throw isNotPermitted(error) || isOutOfDescriptors(error) ? error : noLoopback(error as Error)
  })
  if (!socket) return undefined
  socket.on('error', () => {}) // What it is sent is nobody's concern, nor are its errors.
  return { close: () => closeUdp(socket) }
}

/** Whether somebody holds a port; holds it for a moment, where nobody does. @throws as {@link holdUdpPort} */
export async function isUdpPortHeld(port: number): Promise<boolean> {
  const held = await holdUdpPort(port)
  await held?.close()
  return held === undefined
}

function noLoopback(cause: Error): PortsliceError {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? [])
  const hasIpv6Alone =
    addresses.some(({ address }) => address === '::1') &&
    !addresses.some(({ address }) => address === '127.0.0.1')
  return new PortsliceError(
    'ERR_PORTSLICE_NO_SOCKET',
    `No UDP socket can be bound on 127.0.0.1 (${cause.message})${hasIpv6Alone ? ': the loopback interface has ::1, and not 127.0.0.1' : ''}.`,
    {
      advice: hasIpv6Alone
        ? 'portslice needs both addresses, as a slice is held by a socket on 127.0.0.1: ip addr add 127.0.0.1/8 dev lo'
        : 'portslice needs the loopback interface to be up with 127.0.0.1: see `ip addr show lo`. In a new network namespace: ip link set lo up',
      cause,
    },
  )
}
