/** The shortest way to a port: one allocator for the whole process, ports as plain numbers. */
import type { PortLease } from '../allocator/lease.js'
import { defaultAllocator } from '../allocator/shared-allocator.js'
import { inspect, PortsliceError } from '../errors.js'
import type { TakeOptions } from '../options/options.js'
import { processWide } from '../process-state.js'

/**
 * Hands out a port that is nobody else's until {@link releasePort} or the end of the process.
 * Each process and each worker thread has one allocator for this, made on first use.
 *
 * @param options what the port is for
 * @throws PortsliceError as `createAllocator` and `PortAllocator.take` do
 * @example
 * const port = await takePort()
 * server.listen(port)
 */
export async function takePort(options: TakeOptions = {}): Promise<number> {
  const allocator = await defaultAllocator()
  const lease = await allocator.take(options)
  const taken = takenPorts()
  taken.set(lease.port, [...(taken.get(lease.port) ?? []), lease])
  return lease.port
}

/**
 * Gives back a port that {@link takePort} handed out; as often as it was, where a `key` was
 * used more than once.
 *
 * @param port as `takePort` returned it
 * @returns `leaked`: whether something still listened on it: it is not handed out again until
 *   that has closed
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for a port that is not out
 * @example
 * const { leaked } = await releasePort(port)
 */
export async function releasePort(port: number): Promise<{ leaked: boolean }> {
  const taken = takenPorts()
  const leases = taken.get(port)
  const lease = leases?.pop()
  if (!lease) {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `Port ${inspect(port)} cannot be released: takePort() of this process has not handed it out, or it has been released.`,
      {
        value: port,
        advice:
          'Release each port once, in the process that took it; ports of an allocator have a `release` of their own.',
      },
    )
  }
  if (leases?.length === 0) taken.delete(port)
  return lease.release()
}

/** What was handed out, by port. */
function takenPorts(): Map<number, PortLease[]> {
  return processWide('@portslice/core taken ports 1', () => new Map())
}
