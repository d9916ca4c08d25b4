/** The UDP socket that says that a slice is held. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { type SliceStart, sentinelOf } from '../arithmetic/slices.js'

/**
 * A held sentinel. The kernel keeps it exclusive in the network namespace, whoever the other
 * is, and closes it when its process or thread ends, however it ends.
 */
export interface Sentinel {
  close(): Promise<void>
}

/** What `bind` answers when somebody has the port. Windows says EACCES for an exclusive one. */
const HELD_BY_ANOTHER = new Set(['EADDRINUSE', 'EACCES'])

/**
 * Takes the sentinel of a slice, or gives `undefined` when somebody holds it.
 *
 * @throws the system's error when no socket can be had at all (EMFILE, EADDRNOTAVAIL …)
 */
export async function holdSentinel(slice: SliceStart): Promise<Sentinel | undefined> {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: false })
  socket.unref()
  try {
    // Exclusive: workers of a Node cluster would otherwise share one socket.
    socket.bind({ address: '127.0.0.1', port: sentinelOf(slice), exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    // A socket whose bind failed is open all the same.
    await closed(socket)
    if (HELD_BY_ANOTHER.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
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
