/** Takes a port and uses it, and another one when that was taken after all. */
import type { PortLease } from '../allocator/lease.js'
import { defaultAllocator } from '../allocator/shared.js'
import type { TakeOptions } from '../options/options.js'

export interface Use<T> {
  /** How often to try at most, each time with another port. */
  tries: number
  /** When it succeeds, the lease is left to it. */
  attempt: (lease: PortLease) => Promise<T>
  /** Whether the attempt failed because somebody who never asked had bound the port. */
  wasTaken: (error: unknown) => boolean | Promise<boolean>
}

/** @throws what the last attempt threw; PortsliceError as `takePort` does */
export async function onFreePort<T>(
  { key, ...take }: TakeOptions,
  { tries, attempt, wasTaken }: Use<T>,
): Promise<T> {
  const allocator = await defaultAllocator()
  const failed: PortLease[] = []
  try {
    for (;;) {
      // The port of a key is always the same one: the others are taken without.
      const isKeyed = key !== undefined && failed.length === 0
      const lease = await allocator.take(isKeyed ? { ...take, key } : take)
      try {
        return await attempt(lease)
      } catch (error) {
        failed.push(lease)
        if (failed.length >= tries || !(await wasTaken(error))) throw error
      }
    }
  } finally {
    // Kept until now, so that none of them is tried again.
    await Promise.all(failed.map((lease) => lease.release()))
  }
}
