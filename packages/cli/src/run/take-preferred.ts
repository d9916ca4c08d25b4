import { claimPort, type PortAllocator, type PortLease } from '@portslice/core'
import { PortsliceError } from '@portslice/core/inspect'

/** Takes the first of the preferred ports that is available at once, else any port. */
export async function takePreferred(
  allocator: PortAllocator,
  { label, prefer }: { label: string; prefer: readonly number[] },
): Promise<PortLease> {
  for (const port of prefer) {
    try {
      return await claimPort(port, { timeout: 0 })
    } catch (error) {
      // In use, or this user may not bind it: then another port will do.
      if (!(error instanceof PortsliceError)) throw error
    }
  }
  return allocator.take({ label })
}
