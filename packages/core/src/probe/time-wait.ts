/** Keeps the OS from handing out a port by itself, for as long as TIME_WAIT lasts (60 s on Linux). */
import { once } from 'node:events'
import net from 'node:net'
import { codeOf } from '../errors.js'
import { readSocketTables, TIME_WAIT } from '../platform/socket-table.js'

/** Loopback answers at once; without an answer by then the port goes unguarded. */
const CLOSE_TIMEOUT_MS = 1000

/**
 * `guarded`: the OS gives the port to no socket that does not ask for it by number. On systems without
 * a table of sockets this is taken to be so. `taken`: it could not be bound, as another socket has it.
 * `no-effect`: the kernel keeps no TIME_WAIT of it, because `net.ipv4.tcp_max_tw_buckets` is reached or 0.
 */
export type TimeWaitGuard = 'guarded' | 'taken' | 'no-effect'

/**
 * Leaves a connection of this port in TIME_WAIT: listen, connect, close from the server's
 * side. From then on the kernel gives the port to no `bind(0)` and to no outgoing connection,
 * while an app that asks for it by number, with SO_REUSEADDR as servers do, gets it. A UDP socket
 * on the port, as a claim has, is not in the way.
 *
 * @param port 1 to 65535
 * @throws the system's error when it may not be bound (EACCES, EPERM), or no socket can be had at
 *   all (EMFILE …)
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
    // The side that closes first is left in TIME_WAIT: the server's side, whose port is the guarded one.
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

/** Whether it is, by the kernel's table; also where there is none. */
async function isInTimeWait(port: number): Promise<boolean> {
  const sockets = await readSocketTables(
    ['tcp'],
    (state, _, of) => of === port && state === TIME_WAIT,
  )
  return sockets === undefined || sockets.length > 0
}
