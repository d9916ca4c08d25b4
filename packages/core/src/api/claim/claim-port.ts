/** One fixed port, for one holder at a time on the whole machine. */
import type { PortLease } from '../../allocator/lease.js'
import { throwIfAborted } from '../../allocator/queue.js'
import { inspect, PortsliceError } from '../../errors.js'
import { checkWaitOptions } from '../../options/options.js'
import { LAST_PORT } from '../../slice/layout.js'
import { waitForClaim } from './wait-for-claim.js'

/** What {@link claimPort} takes beside the port. */
export interface ClaimOptions {
  /** How long to wait for the port, in ms. Default: 60 000. */
  timeout?: number
  /** Gives up waiting when aborted, with the signal's reason. */
  signal?: AbortSignal
}

/** A test file or two of somebody else, in ms. */
const DEFAULT_TIMEOUT = 60_000

/**
 * Claims a fixed port, such as that of an OAuth redirect or of an app that has it hard-coded:
 * one holder at a time on the whole machine. Waits while somebody else has claimed it, while
 * a program listens on it, and while a worker has leased the slice that it lies in; goes on at
 * once when that ends, however it ends. In one process, first come is first served.
 *
 * The claim is a UDP socket on 127.0.0.1, so the app can serve TCP on the port, but not UDP.
 *
 * @param port 1 to 65535; of a list, the first that is free
 * @param options how long to wait
 * @throws PortsliceError ERR_PORTSLICE_CLAIM_TIMEOUT, naming who has the port;
 *   …_OPTION_INVALID, …_LOCK_DIRECTORY; the signal's reason when aborted
 * @example
 * await using claim = await claimPort(3000)
 * await startAppThatHasPort3000HardCoded()
 */
export async function claimPort(
  port: number | readonly number[],
  options: ClaimOptions = {},
): Promise<PortLease> {
  const ports = checkedPorts(port)
  checkWaitOptions(options)
  const { timeout = DEFAULT_TIMEOUT, signal } = options
  throwIfAborted(signal)
  return waitForClaim(ports, { timeout, signal })
}

function checkedPorts(port: unknown): readonly number[] {
  const ports: readonly unknown[] = Array.isArray(port) ? [...new Set(port)] : [port]
  const isPort = (each: unknown) =>
    Number.isInteger(each) && (each as number) >= 1 && (each as number) <= LAST_PORT
  if (ports.length > 0 && ports.every(isPort)) return ports as readonly number[]
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `claimPort was asked for ${inspect(port)}.`,
    { value: port, advice: `Give a port from 1 to ${LAST_PORT}, or a list of such ports.` },
  )
}
