import { inspect, invalidOption } from '../errors.js'
import { checkTakeOptions, type TakeOptions } from '../options/options.js'
import { integer } from '../options/validate.js'
import { isAddressInUse } from '../probe/address-in-use.js'
import { retryWithPorts } from './retry-with-ports.js'

/** Options of {@link withPort}. `releaseWhenClosed` has no effect. */
export interface WithPortOptions extends TakeOptions {
  /** How often to try again with another port, at most 1000. Default: 3. */
  retries?: number
}

const DEFAULT_RETRIES = 3
const MAX_RETRIES = 1000

/**
 * Calls `run` with a port that no other process uses, and gives the port back when it has ended. Calls it
 * again with another port if a program that does not use portslice bound it first: EADDRINUSE is in the
 * `code` or message of the error or of a cause, or in the output of a child process that the error contains.
 *
 * @param run gets the port; called again if it fails because the port was taken
 * @param options what the port is for, and `retries`
 * @returns what `run` returns
 * @throws what `run` throws: the last EADDRINUSE if there are no retries left, other errors at once;
 *   PortsliceError as `takePort` does
 * @example
 * const { stdout } = await withPort((port) => promisify(exec)(`./serve-once --port ${port}`))
 */
export async function withPort<T>(
  run: (port: number) => Promise<T> | T,
  options: WithPortOptions = {},
): Promise<T> {
  checkTakeOptions(options, { retries: integer(0, MAX_RETRIES) })
  if (typeof run !== 'function') {
    throw invalidOption(
      `withPort was given ${inspect(run)} to run.`,
      run,
      'Give a function that takes a port.',
    )
  }
  const { retries = DEFAULT_RETRIES, releaseWhenClosed: _, ...take } = options
  return retryWithPorts(take, {
    maxTries: retries + 1,
    isPortTaken: isAddressInUse,
    attempt: async (lease) => {
      const result = await run(lease.port)
      await lease.release()
      return result
    },
  })
}
