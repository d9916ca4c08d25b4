import type { LeaseRecord } from './slice-record.js'

/** Who leases slices, and where. */
export interface LeaseContext {
  readonly lockDirectory: string | undefined
  readonly holder: Omit<LeaseRecord, 'at'>
  /** Called when a file cannot be written. The slice is held anyway. */
  readonly onTrouble: (error: unknown) => void
  /** Whether a lock was acquired before; then errors of the lock directory are not fatal. */
  hasAcquiredLock: boolean
}
