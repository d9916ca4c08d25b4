import type { PortLease } from '../allocator/lease.js'
import { processWide } from '../process-state.js'

/** Leases of this process by port, for `releasePort`. A port with a key can have several. */
function registry(): Map<number, PortLease[]> {
  return processWide('leases', () => new Map<number, PortLease[]>())
}

export function registerLease<T extends PortLease>(lease: T): T {
  const leases = registry()
  leases.set(lease.port, [...(leases.get(lease.port) ?? []), lease])
  return lease
}

export function hasLease(port: number): boolean {
  return registry().has(port)
}

export function unregisterLease(lease: PortLease): void {
  const leases = registry()
  const others = (leases.get(lease.port) ?? []).filter((each) => each !== lease)
  if (others.length > 0) leases.set(lease.port, others)
  else leases.delete(lease.port)
}

/** Removes and returns the lease that was registered last. */
export function popLease(port: number): PortLease | undefined {
  const lease = registry().get(port)?.at(-1)
  if (lease) unregisterLease(lease)
  return lease
}
