import type { AllocatorOptions } from '@portslice/core'
import { loadCore } from './load-core.js'

/**
 * Like `namedPort` of `@portslice/core`, for the Playwright config: the part of the range for Playwright's own
 * `--shard=2/4` is tried first. The shard is read from the command line, because Playwright has not read its
 * config yet.
 *
 * @param name letters, digits, `-` and `_`, starting with a letter
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
