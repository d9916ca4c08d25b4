import { namedPort as leaseNamedPort, namedPorts as leaseNamedPorts } from '../api/named-port.js'
import type { AllocatorOptions } from '../options/options.js'
import { parseShard, runnerShardVariables } from '../options/shard.js'
import type { Shard } from '../slice/layout.js'

/**
 * Like `namedPort` of `@portslice/core`, for the config file of a test runner: the runner's own `--shard=2/4`
 * decides which part of the range is tried first.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`
 * @param options as for `createAllocator`; only those of the first process that asks have an effect
 * @throws PortsliceError as `namedPort` of `@portslice/core` does
 * @example
 * const web = await namedPort('web') // in playwright.config.ts
 */
export function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  preferShard(shardFromArguments(process.argv))
  return leaseNamedPort(name, options)
}

/** Like {@link namedPort}, for several names; all of them are leased, or none. */
export function namedPorts(
  names: readonly string[],
  options: AllocatorOptions = {},
): Promise<number[]> {
  preferShard(shardFromArguments(process.argv))
  return leaseNamedPorts(names, options)
}

/** Passes the shard to this process and to those that it starts. A shard that the user sets takes precedence. */
export function preferShard(shard: Shard | undefined): void {
  Object.assign(process.env, runnerShardVariables(shard))
}

/** Reads the command line, because the runner is still loading its config. The runner reports an invalid shard. */
export function shardFromArguments(args: readonly string[]): Shard | undefined {
  const index = args.findIndex((arg) => arg === '--shard' || arg.startsWith('--shard='))
  const text = args[index] === '--shard' ? args[index + 1] : args[index]?.slice('--shard='.length)
  return parseShard(text ?? '')
}
