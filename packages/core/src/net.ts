/**
 * Node's `net` with one difference: `listen()` on port 0 gives each worker of a Node cluster a
 * port of its own. With `node:net` the first worker's port is given to all of them.
 *
 * The OS finds the port and the server has it in the same moment, so no lease is needed.
 *
 * @see https://nodejs.org/api/cluster.html#how-it-works, `server.listen(0)`
 * @example
 * import net from '@portslice/core/net'
 * const server = net.createServer(onConnection).listen(0)
 */
import cluster from 'node:cluster'
import nodeNet, { type ListenOptions, type ServerOpts, type Socket } from 'node:net'

export * from 'node:net'

interface ServerConstructor {
  new (connectionListener?: (socket: Socket) => void): nodeNet.Server
  new (options?: ServerOpts, connectionListener?: (socket: Socket) => void): nodeNet.Server
  (...args: unknown[]): nodeNet.Server
  readonly prototype: nodeNet.Server
}

/** As `net.Server`: can be called with and without `new`, and extended, in the old way as well. */
export const Server = function Server(this: unknown, ...args: unknown[]): nodeNet.Server {
  if (new.target === undefined && this instanceof Server) {
    Reflect.apply(nodeNet.Server, this, args)
    return this as nodeNet.Server
  }
  return Reflect.construct(nodeNet.Server, args, new.target ?? Server)
} as unknown as ServerConstructor
Object.setPrototypeOf(Server, nodeNet.Server)
Object.setPrototypeOf(Server.prototype, nodeNet.Server.prototype)

/** As `net.Server`, the type. */
export type Server = nodeNet.Server

Object.defineProperty(Server.prototype, 'listen', {
  configurable: true,
  writable: true,
  value: function listen(this: nodeNet.Server, ...args: unknown[]) {
    const listenOf = nodeNet.Server.prototype.listen as (...args: unknown[]) => nodeNet.Server
    return listenOf.apply(this, cluster.isWorker ? withPortOfItsOwn(args) : args)
  },
})

/** As `net.createServer`. */
export function createServer(...args: Parameters<typeof nodeNet.createServer>): nodeNet.Server {
  return new Server(...(args as [ServerOpts?]))
}

export default { ...nodeNet, Server, createServer }

/**
 * The arguments of `listen`, `exclusive` where they ask for port 0: then the worker binds the
 * port itself, instead of being given the one that the cluster's primary has bound.
 */
function withPortOfItsOwn(args: unknown[]): unknown[] {
  const [first, ...others] = args
  if (typeof first === 'object' && first !== null) return [exclusiveOnZero(first), ...others]
  // listen([port[, host[, backlog]]][, callback])
  if (args.length > 0 && typeof first !== 'function' && !isAbsent(first) && !isZero(first))
    return args
  const callback = args.at(-1)
  const [host] = others
  return [
    {
      port: 0,
      ...(typeof host === 'string' && { host }),
      ...backlogFrom(others),
      exclusive: true,
    } satisfies ListenOptions,
    ...(typeof callback === 'function' ? [callback] : []),
  ]
}

function exclusiveOnZero(options: object): object {
  const { port, fd, handle, _handle } = options as Record<string, unknown>
  const hasSocket = handle || _handle || (typeof fd === 'number' && fd >= 0)
  const isForZero = isZero(port) || port === null || (port === undefined && 'port' in options)
  if (hasSocket || !isForZero) return options
  // What the object inherits and computes stays as it is.
  return Object.create(options, {
    exclusive: { value: true, enumerable: true, writable: true, configurable: true },
  })
}

function isAbsent(port: unknown): boolean {
  return port === undefined || port === null
}

function isZero(port: unknown): boolean {
  return port === 0 || (typeof port === 'string' && port.trim() !== '' && Number(port) === 0)
}

/** The second or third argument, as Node reads them. */
function backlogFrom([second, third]: unknown[]): { backlog?: number } {
  const backlog = [second, third].map(Number).find((number) => number > 0)
  return backlog === undefined ? {} : { backlog }
}
