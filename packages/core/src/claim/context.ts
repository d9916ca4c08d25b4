import type { LeaseContext } from '../slice/slice.js'

/** What a claim needs to know: how to lease slices, and which ports to protect. */
export interface ClaimContext extends LeaseContext {
  /** Whether this port must be protected from the kernel by TIME_WAIT. */
  readonly needsTimeWait: (port: number) => boolean
}
