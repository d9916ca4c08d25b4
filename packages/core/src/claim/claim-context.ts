import type { LeaseContext } from '../slice/lease-context.js'
import type { RemoteHost } from './remote-host.js'

/** Who claims ports or leases slices, and where. */
export interface ClaimContext extends LeaseContext {
  readonly needsTimeWait: (port: number) => boolean
  readonly remote?: RemoteHost
}
