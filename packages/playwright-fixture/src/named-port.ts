import type { AllocatorOptions } from '@portslice/core'
import { loadCore } from './load-core.js'

/**
 * Like `namedPort` of `@portslice/core`, for the config file of a test runner: the runner's own
 * `--shard=2/4` decides which part of the range is tried first. It is read from the command line,
 * because the runner has not read its config yet.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`
 * @param options as for `createAllocator`; only those of the first process that asks have an effect
 * @throws PortsliceError as `namedPort` of `@portslice/core` does
 * @example
 * // playwright.config.ts
 * const web = await namedPort('web')
 */
export async function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  const { namedPort: leaseNamedPort } = await loadCore()
  return leaseNamedPort(name, options)
}
