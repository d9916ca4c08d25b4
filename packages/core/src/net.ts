/**
 * Node's `net`, except that `listen()` on port 0 gives each worker of a Node cluster a port of its own;
 * with `node:net` all workers share the first worker's port. The OS chooses the port and the server binds it
 * in the same step, so no lease is needed. Events and `cluster.disconnect()` work as with `node:net`.
 *
 * @see https://nodejs.org/api/cluster.html#how-it-works, `server.listen(0)`
 * @example
 * import net from '@portslice/core/net'
 * const server = net.createServer(onConnection).listen(0)
 * @module @portslice/core/net
 */
import cluster from 'node:cluster'
import nodeNet, { type ListenOptions } from 'node:net'
import { isConnectedWorker, joinCluster } from './api/cluster-server.js'

export * from 'node:net'

/** Like `net.Server`: works with and without `new`, and with `util.inherits`. */
export const Server = function Server(this: unknown, ...args: unknown[]): nodeNet.Server {
  if (new.target === undefined && this instanceof Server) {
    Reflect.apply(nodeNet.Server, this, args)
    return this as nodeNet.Server
  }
  return Reflect.construct(nodeNet.Server, args, new.target ?? Server)
} as unknown as typeof nodeNet.Server
Object.setPrototypeOf(Server, nodeNet.Server)
Object.setPrototypeOf(Server.prototype, nodeNet.Server.prototype)

/** The type `net.Server`. */
export type Server = nodeNet.Server

Object.defineProperties(Server, {
  length: { value: nodeNet.Server.length, configurable: true },
  // Servers of `node:net`, `node:http` and others are instances of this class as well.
  [Symbol.hasInstance]: {
    value(this: unknown, candidate: unknown): boolean {
      return this === Server
        ? candidate instanceof nodeNet.Server
        : Function.prototype[Symbol.hasInstance].call(this as () => void, candidate)
    },
  },
})
Object.defineProperty(Server.prototype, 'listen', {
  configurable: true,
  writable: true,
  value: function listen(this: nodeNet.Server, ...args: unknown[]) {
    const listenAsNode = nodeNet.Server.prototype.listen as (...args: unknown[]) => nodeNet.Server
    const request = cluster.isWorker ? requestOwnPort(args) : undefined
    const isConnected = isConnectedWorker()
    listenAsNode.apply(this, request?.args ?? args)
    requests.delete(this)
    // As with `node:net`, the primary gets no event from an exclusive server.
    if (!request || !isConnected || request.isExclusiveWithNode()) return this
    requests.set(this, request)
    // Registered now, so that it runs after the callback of `listen`, as with Node.
    this.once('listening', () => {
      if (requests.get(this) !== request) return
      requests.delete(this)
      joinCluster(this, request.hasHost)
    })
    return this
  },
})

/**
 * Like `net.createServer`, for a server whose `listen()` on port 0 gets a port of its own.
 *
 * @example
 * const server = createServer((socket) => socket.end('hello')).listen(0)
 */
// The annotation keeps Node's documentation out of the API reference.
export const createServer: typeof nodeNet.createServer = function createServer(
  options: object,
  connectionListener: () => void,
) {
  return new Server(options, connectionListener)
} as typeof nodeNet.createServer

/** All of `node:net`, with `Server` and `createServer` of this module. */
const net: typeof nodeNet = { ...nodeNet, Server, createServer }

/** The types of `node:net`, such as `net.Socket`, for the default import. @hidden */
declare namespace net {
  export type AddressInfo = nodeNet.AddressInfo
  export type BlockList = nodeNet.BlockList
  export type DropArgument = nodeNet.DropArgument
  export type IpcNetConnectOpts = nodeNet.IpcNetConnectOpts
  export type IpcSocketConnectOpts = nodeNet.IpcSocketConnectOpts
  export type IPVersion = nodeNet.IPVersion
  export type ListenOptions = nodeNet.ListenOptions
  export type LookupFunction = nodeNet.LookupFunction
  export type NetConnectOpts = nodeNet.NetConnectOpts
  export type OnReadOpts = nodeNet.OnReadOpts
  export type Server = nodeNet.Server
  export type ServerOpts = nodeNet.ServerOpts
  export type Socket = nodeNet.Socket
  export type SocketAddress = nodeNet.SocketAddress
  export type SocketAddressInitOptions = nodeNet.SocketAddressInitOptions
  export type SocketConnectOpts = nodeNet.SocketConnectOpts
  export type SocketConstructorOpts = nodeNet.SocketConstructorOpts
  export type SocketReadyState = nodeNet.SocketReadyState
  export type TcpNetConnectOpts = nodeNet.TcpNetConnectOpts
  export type TcpSocketConnectOpts = nodeNet.TcpSocketConnectOpts
}

export default net

interface OwnPortRequest {
  /** The arguments of `listen`, plus `exclusive`: the worker binds the port itself. */
  args: unknown[]
  hasHost: boolean
  /** Call after `listen`, which makes servers with `reusePort` exclusive. */
  isExclusiveWithNode: () => boolean
}

/** The latest request of each server that does not listen yet; an earlier one may have failed. */
const requests = new WeakMap<nodeNet.Server, OwnPortRequest>()

/** `undefined` if the arguments do not ask for port 0. */
function requestOwnPort(args: unknown[]): OwnPortRequest | undefined {
  const [first, ...others] = args
  if (typeof first === 'object' && first !== null) {
    const options = first as ListenOptions
    if (!asksForZero(options)) return undefined
    return {
      args: [asExclusive(options), ...others],
      hasHost: Boolean(options.host),
      isExclusiveWithNode: () => Boolean(options.exclusive),
    }
  }
  // listen([port[, host[, backlog]]][, callback])
  if (args.length > 0 && typeof first !== 'function' && !isAbsent(first) && !isZero(first))
    return undefined
  const callback = args.at(-1)
  const [second] = others
  const host = typeof second === 'string' ? second : undefined
  const options = {
    port: 0,
    ...(host !== undefined && { host }),
    ...backlogFrom(others),
    exclusive: true,
  } satisfies ListenOptions
  return {
    args: [options, ...(typeof callback === 'function' ? [callback] : [])],
    hasHost: Boolean(host),
    isExclusiveWithNode: () => false,
  }
}

function asksForZero(options: object): boolean {
  const { port, fd, handle, _handle } = options as Record<string, unknown>
  const hasSocket = handle || _handle || (typeof fd === 'number' && fd >= 0)
  const isForZero = isZero(port) || port === null || (port === undefined && 'port' in options)
  return !hasSocket && isForZero
}

function asExclusive(options: object): object {
  return new Proxy(
    {}, // An empty target, because the proxy of a frozen object cannot change a value.
    {
      get: (_, name) => (name === 'exclusive' ? true : Reflect.get(options, name, options)),
      set: (_, name, value) => Reflect.set(options, name, value),
      has: (_, name) => name in options,
      getPrototypeOf: () => Object.getPrototypeOf(options),
    },
  )
}

function isAbsent(port: unknown): boolean {
  return port === undefined || port === null
}

function isZero(port: unknown): boolean {
  return port === 0 || (typeof port === 'string' && port.trim() !== '' && Number(port) === 0)
}

function backlogFrom([second, third]: unknown[]): { backlog?: number } {
  const backlog = [second, third].map(Number).find((number) => number > 0)
  return backlog === undefined ? {} : { backlog }
}
