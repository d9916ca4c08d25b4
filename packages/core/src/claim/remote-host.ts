import type { LeasedSlice } from '../slice/leased-slice.js'
import type { SliceStatus } from '../slice/list-slices.js'
import type { Claim } from './claim.js'
import type { ClaimStatus } from './list-claims.js'
import type { Obstacle } from './obstacle.js'

/** The ports of another host, leased through a coordinator. */
export interface RemoteHost {
  /** Why nothing can be handed out at the moment, as a sentence; `undefined` if all is well. */
  readonly trouble: string | undefined
  /** Whether this process holds the slice. */
  holds(first: number): boolean
  leaseSlice(first: number): Promise<LeasedSlice | undefined>
  tryClaim(port: number, label?: string): Promise<Claim | Obstacle>
  /** Whether the host refuses connections to the port. @throws PortsliceError ERR_PORTSLICE_HOST */
  isUsable(port: number): Promise<boolean>
  /** Whether the host accepts connections to the port. */
  readonly isListening: (port: number) => Promise<boolean>
  listSlices(): Promise<SliceStatus[]>
  listClaims(): Promise<ClaimStatus[]>
}
