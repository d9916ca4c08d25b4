import type { LeasedSlice } from '../slice/leased-slice.js'
import type { SliceStatus } from '../slice/list-slices.js'
import type { Claim } from './claim.js'
import type { ClaimStatus } from './list-claims.js'
import type { Obstacle } from './obstacle.js'
import type { PortEvent } from './port-event.js'

/** The ports of another host; `coordinator/` implements it. */
export interface RemoteHost {
  readonly host: string
  /** Why no port can be handed out at the moment, as a sentence. */
  readonly trouble: string | undefined
  holds(first: number): boolean
  leaseSlice(first: number): Promise<LeasedSlice | undefined>
  tryClaim(port: number, label?: string): Promise<Claim | Obstacle>
  /** @throws PortsliceError ERR_PORTSLICE_HOST */
  isUsable(port: number): Promise<boolean>
  readonly isListening: (port: number) => Promise<boolean>
  listSlices(): Promise<SliceStatus[]>
  listClaims(): Promise<ClaimStatus[]>
  /** Newest first. */
  history(port: number): Promise<PortEvent[]>
}
