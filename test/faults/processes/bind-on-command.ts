/** Binds ports on command, without portslice. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { answerCommands } from '../../support/script.ts'

export type BindCommand =
  | { do: 'bind'; what: readonly Binding[] }
  /** Lets the OS choose this number of TCP ports; keeps those from `first` to `last`. */
  | { do: 'bind any'; count: number; first: number; last: number }
  /** Opens this number of connections at the same time; the OS chooses their local ports. */
  | { do: 'connect'; count: number }
  | { do: 'close' }

export interface Binding {
  port: number
  host: string
  udp?: boolean
}

let sockets: (net.Server | dgram.Socket)[] = []

async function bind({ port, host: address, udp }: Binding): Promise<net.Server | dgram.Socket> {
  const socket = udp
    ? dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4').bind({ port, address })
    : net.createServer().listen({ port, host: address })
  await once(socket, 'listening')
  return socket
}

async function portsOfConnections(count: number): Promise<number[]> {
  const server = net.createServer((connection) => connection.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const clients = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'))
  await Promise.all(clients.map((client) => once(client, 'connect')))
  const ports = clients.map(({ localPort }) => localPort as number)
  // A reset leaves nothing in TIME_WAIT, so that ports remain for the next connections.
  for (const client of clients) client.resetAndDestroy()
  await close(server)
  return ports
}

const close = (socket: net.Server | dgram.Socket) =>
  new Promise<void>((resolve) => {
    socket.close(() => resolve())
  })

async function carryOut(command: BindCommand): Promise<number[]> {
  if (command.do === 'bind') {
    const bound = await Promise.all(command.what.map(bind))
    sockets.push(...bound)
    return command.what.map(({ port }) => port)
  }
  if (command.do === 'bind any') {
    const { count, first, last } = command
    // All at the same time, so that the OS does not choose the same ones again.
    const bound = (await Promise.all(
      Array.from({ length: count }, () => bind({ port: 0, host: '0.0.0.0' })),
    )) as net.Server[]
    const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port
    const isIn = (server: net.Server) => portOf(server) >= first && portOf(server) <= last
    const kept = bound.filter(isIn)
    sockets.push(...kept)
    await Promise.all(bound.filter((server) => !kept.includes(server)).map(close))
    return kept.map(portOf)
  }
  if (command.do === 'connect') return portsOfConnections(command.count)
  await Promise.all(sockets.map(close))
  sockets = []
  return []
}

export interface Bound {
  ports: number[]
  error?: { message: string }
}

answerCommands<BindCommand>(async (command) => ({ ports: await carryOut(command) }))
