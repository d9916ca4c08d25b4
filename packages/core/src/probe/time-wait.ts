/** Keeps the OS from handing out a port by itself, for as long as TIME_WAIT lasts (60 s on Linux). */
import { once } from 'node:events'
import net from 'node:net'

/** Loopback answers at once; without an answer by then, in ms, the port goes unguarded. */
const CLOSE_TIMEOUT = 1000

/**
 * Leaves a connection of this port in TIME_WAIT: listen, connect, close from the server's
 * side. From then on the kernel gives the port to no `bind(0)` and to no outgoing connection,
 * while an app that asks for it by number, with SO_REUSEADDR as servers do, gets it.
 *
 * @returns false when the port could not be bound: somebody took it meanwhile
 * @throws the system's error when no socket can be had at all (EMFILE …)
 */
export async function guardWithTimeWait(port: number): Promise<boolean> {
  const server = net.createServer()
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  server.on('error', () => {})
  const connections = new Set<net.Socket>()
  server.on('connection', (connection) => {
    connections.add(connection)
    connection.on('error', () => {})
    // Whoever closes first is left in TIME_WAIT: the server's side, whose port is the guarded one.
    connection.resume().end()
  })
  await new Promise<void>((resolve) => {
    const client = net.connect({ port, host: '127.0.0.1' })
    client.on('error', () => {})
    client.setTimeout(CLOSE_TIMEOUT, () => client.destroy())
    client.once('close', () => resolve())
    client.resume()
  })
  for (const connection of connections) connection.destroy()
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  return true
}
