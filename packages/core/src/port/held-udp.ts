/** A UDP port of 127.0.0.1 that is held for others to see: a sentinel, or the flag of a claim. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { codeOf } from '../errors.js'

/**
 * The kernel keeps it exclusive in the network namespace, whoever the other is, and closes it
 * when its process or thread ends, however it ends.
 */
export interface HeldUdpPort {
  /** Gives it back. */
  close(): Promise<void>
}

/** What `bind` answers when somebody has the port. Windows says EACCES for an exclusive one. */
const HELD_BY_ANOTHER = new Set(
  process.platform === 'win32' ? ['EADDRINUSE', 'EACCES'] : ['EADDRINUSE'],
)

/**
 * Holds a port until it is closed, or gives `undefined` when somebody else has it.
 *
 * @param port 1 to 65535
 * @throws the system's error when no socket can be had at all (EMFILE, EADDRNOTAVAIL, EACCES
 *   for a privileged port …)
 */
export async function holdUdpPort(port: number): Promise<HeldUdpPort | undefined> {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: false })
  socket.unref()
  try {
    // Exclusive: workers of a Node cluster would otherwise share one socket.
    socket.bind({ address: '127.0.0.1', port, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    // A socket whose bind failed is open all the same.
    await closed(socket)
    if (HELD_BY_ANOTHER.has(codeOf(error))) return undefined
    throw error
  }
  socket.on('error', () => {}) // What it is sent is nobody's concern, nor are its errors.
  return { close: () => closed(socket) }
}

function closed(socket: dgram.Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve())
  })
}
