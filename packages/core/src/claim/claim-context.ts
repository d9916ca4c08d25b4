import type { LeaseContext } from '../slice/slice-files.js'
import type { RemoteHost } from './remote-host.js'

/** Who leases or claims ports, and where. */
export interface ClaimContext extends LeaseContext {
  readonly needsTimeWait: (port: number) => boolean
  readonly remote?: RemoteHost
}
