/** Tells a test runner's adapter which ports `takePort()` hands out in its tests. */
import type { PortLease } from '../allocator/lease.js'
import { processWide } from '../process-state.js'

export interface LeaseObserver {
  /** Called when a port is requested, while the caller is known. Returns the function that gets the lease. */
  onTake?: () => (lease: PortLease, label: string | undefined) => void
  onRelease?: (lease: PortLease, outcome: { leaked: boolean }) => void
}

/** The adapter sets the functions without loading this package: workers that take no port start sooner. */
export function leaseObserver(): LeaseObserver {
  return processWide<LeaseObserver>('@portslice/lease-observer', () => ({}))
}
