/** Runs something with a port, and again with another one when that was taken after all. */
import { inspect, PortsliceError } from '../errors.js'
import { checkTakeOptions, retryCount, type TakeOptions } from '../options/options.js'
import { isAddressInUse } from '../probe/address-in-use.js'
import { onFreePort } from './on-free-port.js'

/**
 * What {@link withPort} takes. `releaseWhenClosed` has no effect: the port is given back when
 * `run` has ended.
 */
export interface WithPortOptions extends TakeOptions {
  /** How often to try again with another port. Default: 3. */
  retries?: number
}

const DEFAULT_RETRIES = 3

/**
 * Runs `run` with a port that nobody else has, and gives the port back when it has ended.
 *
 * Nobody who asks portslice takes that port; a program that never asks may do so before the
 * app has bound it. When `run` fails because of that, it is run again with another port. It
 * counts as that when EADDRINUSE is the `code` or part of the message of the error, or of one
 * that it was caused by, or is said in the output of a child process that the error keeps.
 *
 * @param run is given the port; run again when it fails because the port was taken
 * @param options what the port is for; `retries`: how often to run it again at most, by default 3
 * @returns what `run` returns
 * @throws what `run` throws: other errors at once, the last EADDRINUSE when there are no
 *   retries left; PortsliceError as `takePort` does
 * @example
 * const body = await withPort(async (port) => {
 *   const { stdout } = await promisify(exec)(`./serve-once --port ${port}`)
 *   return stdout
 * })
 */
export async function withPort<T>(
  run: (port: number) => Promise<T> | T,
  options: WithPortOptions = {},
): Promise<T> {
  checkTakeOptions(options, { retries: retryCount })
  if (typeof run !== 'function') {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `withPort was given ${inspect(run)} to run.`,
      { value: run, advice: 'Give a function that takes a port.' },
    )
  }
  // The port is given back when `run` has ended, not when an app that had it has gone.
  const { retries = DEFAULT_RETRIES, releaseWhenClosed: _, ...take } = options
  return onFreePort(take, {
    tries: retries + 1,
    wasTaken: isAddressInUse,
    attempt: async (lease) => {
      const result = await run(lease.port)
      await lease.release()
      return result
    },
  })
}
