import cluster from 'node:cluster'
import type { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { processWide } from '../process-state.js'

/** Only Node's own servers have all of these. */
export interface ClusterServer extends Pick<EventEmitter, 'once'> {
  close(): unknown
  address?(): AddressInfo | string | null
  readonly listening?: boolean
}

interface ClusterServers {
  /** Servers that listen on a port that the primary has not bound. */
  readonly open: Set<ClusterServer>
  /** Each resolves when the connections of a server have ended. */
  readonly closing: Set<Promise<void>>
  hasHooks: boolean
}

function clusterServers(): ClusterServers {
  return processWide<ClusterServers>('@portslice/core cluster servers 1', () => ({
    open: new Set(),
    closing: new Set(),
    hasHooks: false,
  }))
}

export function isConnectedWorker(): boolean {
  return cluster.isWorker && process.connected === true
}

/**
 * Makes a server that the cluster worker itself has bound behave like one that the primary has bound. Call this
 * when the server listens, if {@link isConnectedWorker} was true when `listen` was called.
 *
 * @param hasHost whether it listens on a certain host; otherwise the address is not sent
 */
export function joinCluster(server: ClusterServer, hasHost: boolean): void {
  const servers = clusterServers()
  servers.open.add(server)
  server.once('close', () => servers.open.delete(server))
  installHooks(servers)
  // The worker is leaving, and the server would keep it alive.
  if (cluster.worker?.exitedAfterDisconnect) closeServers(servers)
  else announce(server, hasHost)
}

/** Sends Node's internal message. A primary that does not know it ignores it. */
function announce(server: ClusterServer, hasHost: boolean): void {
  const { address, family, port } = (server.address?.() ?? {}) as Partial<AddressInfo>
  if (port === undefined || !process.connected) return
  if (cluster.worker) Object.assign(cluster.worker, { state: 'listening' })
  const message = {
    cmd: 'NODE_CLUSTER',
    act: 'listening',
    addressType: hasHost && family === 'IPv6' ? 6 : 4,
    address: hasHost ? address : null,
    port,
  }
  // The callback ignores the error of a primary that has just ended.
  process.send?.(message, undefined, undefined, () => {})
}

/** Three independent hooks; only the last one relies on documented behaviour alone. */
function installHooks(servers: ClusterServers): void {
  if (servers.hasHooks) return
  servers.hasHooks = true
  closeWhenLeaving(servers)
  disconnectWhenClosed(servers)
  process.once('disconnect', () => closeServers(servers))
}

/** Node sets `exitedAfterDisconnect` just before it closes the servers that the primary knows. */
function closeWhenLeaving(servers: ClusterServers): void {
  const name = 'exitedAfterDisconnect'
  const { worker } = cluster
  const property = worker && Object.getOwnPropertyDescriptor(worker, name)
  if (!property?.configurable || !property.writable) return
  let { value } = property
  Object.defineProperty(worker, name, {
    configurable: true,
    enumerable: property.enumerable ?? true,
    get: () => value,
    set(isLeaving: unknown) {
      value = isLeaving
      if (isLeaving) closeServers(servers)
    },
  })
}

/** Node calls `process.disconnect()` when the servers that the primary knows have closed. */
function disconnectWhenClosed(servers: ClusterServers): void {
  const { disconnect } = process
  if (!disconnect) return
  process.disconnect = () => {
    if (isDisconnecting()) closeServers(servers)
    if (!isDisconnecting() || servers.closing.size === 0) return disconnect.call(process)
    Promise.all(servers.closing).then(() => {
      if (process.connected) disconnect.call(process)
    })
  }
}

/** Whether the worker leaves by `disconnect()`, which waits for connections to end, and not by `kill()`. */
function isDisconnecting(): boolean {
  const { worker } = cluster
  const { state } = (worker ?? {}) as { state?: string }
  return worker?.exitedAfterDisconnect === true && state !== 'destroying'
}

function closeServers({ open, closing }: ClusterServers): void {
  for (const server of open) {
    open.delete(server)
    // Already closed by the program: Node does not wait for its connections.
    if (server.listening === false) continue
    const closed = new Promise<void>((resolve) => void server.once('close', resolve))
    closing.add(closed)
    closed.then(() => closing.delete(closed))
    server.close()
  }
}
