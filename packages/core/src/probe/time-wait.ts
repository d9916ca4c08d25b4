import { once } from 'node:events'
import net from 'node:net'
import { codeOf } from '../errors.js'
import { readSocketTables, TIME_WAIT } from '../platform/socket-table.js'

const CLOSE_TIMEOUT_MS = 1000

/** `no-effect`: the kernel does not keep TIME_WAIT, because `net.ipv4.tcp_max_tw_buckets` is reached or 0. */
export type TimeWaitGuard = 'guarded' | 'taken' | 'no-effect'

/**
 * Leaves a connection of the port in TIME_WAIT. Then for 60 s the kernel of Linux does not assign the port to
 * `bind(0)` or to an outgoing connection. UDP sockets can still bind it, and so can servers, because they set
 * SO_REUSEADDR.
 */
export async function guardWithTimeWait(port: number): Promise<TimeWaitGuard> {
  const server = net.createServer()
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return 'taken'
    throw error
  }
  server.on('error', () => {})
  const connections = new Set<net.Socket>()
  server.on('connection', (connection) => {
    connections.add(connection)
    connection.on('error', () => {})
    // The side that closes first stays in TIME_WAIT.
    connection.resume().end()
  })
  await new Promise<void>((resolve) => {
    const client = net.connect({ port, host: '127.0.0.1' })
    client.on('error', () => {})
    client.setTimeout(CLOSE_TIMEOUT_MS, () => client.destroy())
    client.once('close', () => resolve())
    client.resume()
  })
  for (const connection of connections) connection.destroy()
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  return (await isInTimeWait(port)) ? 'guarded' : 'no-effect'
}

/** Assumed if there is no table of sockets. */
async function isInTimeWait(port: number): Promise<boolean> {
  const sockets = await readSocketTables(
    ['tcp'],
    (state, _, of) => of === port && state === TIME_WAIT,
  )
  return sockets === undefined || sockets.length > 0
}
