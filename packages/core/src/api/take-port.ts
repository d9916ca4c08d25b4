import { defaultAllocator } from '../allocator/shared-allocator.js'
import { inspect, invalidOption } from '../errors.js'
import type { TakeOptions } from '../options/options.js'
import { withAwaitHint } from './await-hint.js'
import { watchBoundPorts } from './bound-ports.js'
import { leaseObserver } from './lease-observer.js'
import { popLease, registerLease } from './lease-registry.js'

/**
 * Hands out a port that no other process gets until {@link releasePort} or the end of the process.
 * Each process and each worker thread has one allocator for this, created on first use.
 *
 * @param options what the port is for
 * @throws PortsliceError as `createAllocator` and `PortAllocator.take` do
 * @example
 * const port = await takePort()
 * server.listen(port)
 */
export function takePort(options: TakeOptions = {}): Promise<number> {
  return withAwaitHint(take(options), 'takePort()')
}

async function take(options: TakeOptions): Promise<number> {
  const noteTaken = leaseObserver().onTake?.()
  const allocator = await defaultAllocator()
  const lease = registerLease(await allocator.take(options))
  if (noteTaken) {
    watchBoundPorts()
    noteTaken(lease, options.label)
  }
  return lease.port
}

/**
 * Gives back a port of {@link takePort} or `claimPort`. A port that was taken several times with
 * the same `key` must be released as often.
 *
 * @param port as `takePort` returned it
 * @returns `leaked`: whether something still listens on it; it is then not handed out until it is closed
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID if the port is not out
 * @example
 * const { leaked } = await releasePort(port)
 */
export async function releasePort(port: number): Promise<{ leaked: boolean }> {
  const lease = popLease(port)
  if (!lease) {
    throw invalidOption(
      `Port ${inspect(port)} cannot be released: takePort() and claimPort() of this process have not handed it out, or it has been released.`,
      port,
      'Release each port once, in the process that took it; release ports of an allocator with their own `release`.',
    )
  }
  const outcome = await lease.release()
  leaseObserver().onRelease?.(lease, outcome)
  return outcome
}
