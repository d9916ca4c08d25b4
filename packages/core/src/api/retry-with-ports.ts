import type { PortLease } from '../allocator/lease.js'
import { defaultAllocator } from '../allocator/shared-allocator.js'
import type { TakeOptions } from '../options/options.js'

export interface Retries<T> {
  maxTries: number
  /** Owns the lease if it succeeds. */
  attempt: (lease: PortLease) => Promise<T>
  /** Whether a program that does not use portslice has the port. */
  isPortTaken: (error: unknown) => boolean | Promise<boolean>
}

/** Tries other ports if a program binds the first one. @throws the error of the last attempt */
export async function retryWithPorts<T>(
  { key, ...take }: TakeOptions,
  { maxTries, attempt, isPortTaken }: Retries<T>,
): Promise<T> {
  const allocator = await defaultAllocator()
  const failed: PortLease[] = []
  try {
    for (;;) {
      // With the same key, a retry would get the same port.
      const useKey = key !== undefined && failed.length === 0
      const lease = await allocator.take(useKey ? { ...take, key } : take)
      try {
        return await attempt(lease)
      } catch (error) {
        failed.push(lease)
        if (failed.length >= maxTries || !(await isPortTaken(error))) throw error
      }
    }
  } finally {
    // Released last, so that none of them is tried again.
    await Promise.all(failed.map((lease) => lease.release()))
  }
}
