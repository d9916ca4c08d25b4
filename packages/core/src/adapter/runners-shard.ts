import { namedPort as namedPortOfCore } from '../api/named-port.js'
import type { AllocatorOptions } from '../options/options.js'
import type { Shard } from '../slice/layout.js'

/**
 * As `namedPort` of `@portslice/core`, for the config file of a test runner: the runner's own
 * `--shard=2/4` decides the part of the range. The command line is where it stands at that moment:
 * the runner is yet to read its config.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`
 * @param options as of `createAllocator`; they count for the process that asks first
 * @throws PortsliceError as `namedPort` of `@portslice/core` does
 * @example
 * // playwright.config.ts
 * const web = await namedPort('web')
 */
export function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  return namedPortOfCore(name, withRunnersShard(options, shardFromArguments(process.argv)))
}

/** The runner's shard counts unless the options or $PORTSLICE_SHARD say otherwise. */
export function withRunnersShard(options: AllocatorOptions, shard: Shard | undefined) {
  return shard && !options.shard && !process.env.PORTSLICE_SHARD ? { ...options, shard } : options
}

/** What a runner would refuse is not ours to refuse: `undefined` then. */
export function shardFromArguments(args: readonly string[]): Shard | undefined {
  const at = args.findIndex((arg) => arg === '--shard' || arg.startsWith('--shard='))
  const text = args[at] === '--shard' ? args[at + 1] : args[at]?.slice('--shard='.length)
  const [, index, total] = /^(\d{1,6})\/(\d{1,6})$/.exec(text ?? '')?.map(Number) ?? []
  return index && total && index <= total ? { index, total } : undefined
}
