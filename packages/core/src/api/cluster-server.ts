/**
 * Does for a server that a cluster worker has bound itself what Node does for one that the
 * primary has bound: the primary hears of it, and it is closed when the worker disconnects.
 */
import cluster from 'node:cluster'
import type { EventEmitter } from 'node:events'
import type { AddressInfo } from 'node:net'
import { processWide } from '../process-state.js'

/** What is used of a server. Only those of Node are sure to have all of it. */
export interface ClusterServer extends Pick<EventEmitter, 'once'> {
  close(): unknown
  address?(): AddressInfo | string | null
  readonly listening?: boolean
}

interface ClusterServers {
  /** They listen, and the primary does not know them. */
  readonly open: Set<ClusterServer>
  /** Settle when connections have ended. */
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

/** Whether this process is a cluster worker that has not disconnected from its primary. */
export function isConnectedWorker(): boolean {
  return cluster.isWorker && process.connected === true
}

/**
 * Call it when the server listens, if {@link isConnectedWorker} was true when it was asked to.
 *
 * @param hasHost whether it was asked to listen on a certain host; the primary is told of none else
 */
export function joinCluster(server: ClusterServer, hasHost: boolean): void {
  const servers = clusterServers()
  servers.open.add(server)
  server.once('close', () => servers.open.delete(server))
  installHooks(servers)
  // Node would not let it listen any more. Open, it would keep the worker alive.
  if (cluster.worker?.exitedAfterDisconnect) closeServers(servers)
  else announce(server, hasHost)
}

/** Sends what Node sends. A primary that does not know the message ignores it. */
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
  // The callback takes the error of a primary that has just ended: the worker ends with it.
  process.send?.(message, undefined, undefined, () => {})
}

/** Each works without the others; the last one uses only what Node documents. */
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

/** By `disconnect()`, which waits for connections to end; not by `kill()`, which does not. */
function isDisconnecting(): boolean {
  const { worker } = cluster
  const { state } = (worker ?? {}) as { state?: string }
  return worker?.exitedAfterDisconnect === true && state !== 'destroying'
}

function closeServers({ open, closing }: ClusterServers): void {
  for (const server of open) {
    open.delete(server)
    // The program has closed it already. Node does not wait for the connections of such a one.
    if (server.listening === false) continue
    const closed = new Promise<void>((resolve) => void server.once('close', resolve))
    closing.add(closed)
    closed.then(() => closing.delete(closed))
    server.close()
  }
}
