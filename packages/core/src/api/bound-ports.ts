/** Remembers which server has bound a leased port, and in which test, to explain EADDRINUSE in this process. */
import type { Server } from 'node:net'
import { codeOf } from '../errors.js'
import { Date as RealDate } from '../platform/clock.js'
import { subscribeSafely } from '../platform/subscribe-safely.js'
import { processWide } from '../process-state.js'
import { sliceOf } from '../slice/layout.js'
import { heldSlices } from '../slice/slice.js'
import { hasLease } from './lease-registry.js'

interface BoundServer {
  readonly server: WeakRef<Server>
  readonly since: Date
  /** Such as `the test "a > b"`. */
  readonly owner: string | undefined
}

interface BoundPorts {
  readonly byPort: Map<number, BoundServer>
  isWatching: boolean
  /** Set by the test runner's adapter. */
  currentOwner: () => string | undefined
}

function boundPorts(): BoundPorts {
  return processWide<BoundPorts>('@portslice/bound-ports', () => ({
    byPort: new Map(),
    isWatching: false,
    currentOwner: () => undefined,
  }))
}

/** @param currentOwner names the test that runs, such as `the test "a > b"`; replaces an earlier function */
export function watchBoundPorts(currentOwner?: () => string | undefined): void {
  const state = boundPorts()
  if (currentOwner) state.currentOwner = currentOwner
  if (state.isWatching) return
  state.isWatching = true
  subscribeSafely('tracing:net.server.listen:asyncEnd', (message) => {
    noteServer((message as { server: Server }).server)
  })
  subscribeSafely('tracing:net.server.listen:error', (message) => {
    explain((message as { error: NodeJS.ErrnoException }).error)
  })
}

export function ownerOfBoundPort(port: number): string | undefined {
  return serverOn(port)?.owner
}

function noteServer(server: Server): void {
  const port = portOf(server)
  if (port === undefined || !isOurs(port)) return
  const { byPort, currentOwner } = boundPorts()
  byPort.set(port, {
    server: new WeakRef(server),
    since: new RealDate(),
    owner: currentOwner(),
  })
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' ? address?.port : undefined
}

function isOurs(port: number): boolean {
  return heldSlices().has(sliceOf(port)) || hasLease(port)
}

function serverOn(port: number): BoundServer | undefined {
  const { byPort } = boundPorts()
  const bound = byPort.get(port)
  if (bound && portOf(bound.server.deref()) === port) return bound
  byPort.delete(port)
  return undefined
}

/** Adds the explanation to the error, which Node emits afterwards. */
function explain(error: NodeJS.ErrnoException): void {
  const { port } = error as { port?: number }
  if (codeOf(error) !== 'EADDRINUSE' || port === undefined) return
  const bound = serverOn(port)
  if (!bound || !isOurs(port)) return
  const { message } = error
  error.message = `${message}\n${explanation(port, bound, boundPorts().currentOwner())}`
  if (error.stack) error.stack = error.stack.replace(message, () => error.message)
}

function explanation(port: number, { since, owner }: BoundServer, now: string | undefined): string {
  const time = since.toTimeString().slice(0, 8)
  const start = `portslice: port ${port} has been bound since ${time} by this same process`
  if (owner === undefined) return `${start}. Close that server first, or take another port.`
  if (owner === now) return `${start}: ${owner} binds it twice. Take a port for each server.`
  return `${start}, left by ${owner}. Close the server in that test, also when it fails or times out, or take one port for each test.`
}
