/** The leases behind plain port numbers: `releasePort` finds them here. */
import type { PortLease } from '../allocator/lease.js'
import { processWide } from '../process-state.js'

function leases(): Map<number, PortLease[]> {
  return processWide('leases', () => new Map<number, PortLease[]>())
}

/** Notes a lease, so that its port can be released by its number. */
export function noteLease<T extends PortLease>(lease: T): T {
  const known = leases()
  known.set(lease.port, [...(known.get(lease.port) ?? []), lease])
  return lease
}

/** Whether this process has a lease on the port. */
export function isLeasedHere(port: number): boolean {
  return leases().has(port)
}

/** Forgets a lease that has been released by itself. */
export function forgetLease(lease: PortLease): void {
  const known = leases()
  const others = (known.get(lease.port) ?? []).filter((each) => each !== lease)
  if (others.length > 0) known.set(lease.port, others)
  else known.delete(lease.port)
}

/** Removes the lease of a port that was noted last; `undefined` when there is none. */
export function dropLease(port: number): PortLease | undefined {
  const known = leases()
  const ofPort = known.get(port)
  const lease = ofPort?.pop()
  if (ofPort?.length === 0) known.delete(port)
  return lease
}
