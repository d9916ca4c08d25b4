/** A UDP port of 127.0.0.1 that is held for others to see: a sentinel, or the flag of a claim. */
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
  | { readonly state: 'held'; readonly held: HeldUdpPort }
  | { readonly state: 'in-use' }
  | { readonly state: 'not-permitted'; readonly error: NodeJS.ErrnoException }

/**
 * Holds a port until it is closed, or tells why it cannot be held.
 *
 * @param port 1 to 65535
 * @throws the system's error when no socket can be had at all (EMFILE, EADDRNOTAVAIL …)
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
 * @throws the system's error when this process may not bind it (EACCES, EPERM), or no socket can be
 *   had at all (EMFILE, EADDRNOTAVAIL …)
 */
export async function holdUdpPort(port: number): Promise<HeldUdpPort | undefined> {
  const socket = await bindUdp(port, '127.0.0.1')
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
