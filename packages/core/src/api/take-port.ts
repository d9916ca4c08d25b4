/** The shortest way to a port: one allocator for the whole process, ports as plain numbers. */
import { defaultAllocator } from '../allocator/shared.js'
import { inspect, PortsliceError } from '../errors.js'
import type { TakeOptions } from '../options/options.js'
import { watchBoundPorts } from './bound-ports.js'
import { leaseObserver } from './lease-observer.js'
import { dropLease, noteLease } from './lease-registry.js'

/**
 * Hands out a port that no other process gets until {@link releasePort} or the end of the process.
 * Each process and each worker thread has one allocator for this, made on first use.
 *
 * @param options what the port is for
 * @throws PortsliceError as `createAllocator` and `PortAllocator.take` do
 * @example
 * const port = await takePort()
 * server.listen(port)
 */
export async function takePort(options: TakeOptions = {}): Promise<number> {
  const noteTaken = leaseObserver().onTake?.()
  const allocator = await defaultAllocator()
  const lease = noteLease(await allocator.take(options))
  if (noteTaken) {
    watchBoundPorts()
    noteTaken(lease, options.label)
  }
  return lease.port
}

/**
 * Gives back a port that {@link takePort} handed out, or that `claimPort` claimed. A port that was
 * taken more than once with the same `key` is to be released as often.
 *
 * @param port as `takePort` returned it
 * @returns `leaked`: whether anything still listened on it: then it is not handed out again until
 *   that has closed
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for a port that is not out
 * @example
 * const { leaked } = await releasePort(port)
 */
export async function releasePort(port: number): Promise<{ leaked: boolean }> {
  const lease = dropLease(port)
  if (!lease) {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `Port ${inspect(port)} cannot be released: takePort() and claimPort() of this process have not handed it out, or it has been released.`,
      {
        value: port,
        advice:
          'Release each port once, in the process that took it; ports of an allocator have a `release` of their own.',
      },
    )
  }
  const outcome = await lease.release()
  leaseObserver().onRelease?.(lease, outcome)
  return outcome
}
