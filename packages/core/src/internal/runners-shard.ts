import { namedPort as namedPortOfCore } from '../api/named-port.js'
import type { AllocatorOptions } from '../options/options.js'
import { parseShard, runnerShardVariables } from '../options/shard.js'
import type { Shard } from '../slice/layout.js'

/**
 * As `namedPort` of `@portslice/core`, for the config file of a test runner: the runner's own
 * `--shard=2/4` decides which part of the range is tried first. It is read from the command line,
 * as the runner has not read its config yet.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`
 * @param options as of `createAllocator`; they count for the process that asks first
 * @throws PortsliceError as `namedPort` of `@portslice/core` does
 * @example
 * // playwright.config.ts
 * const web = await namedPort('web')
 */
export function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  preferShard(shardFromArguments(process.argv))
  return namedPortOfCore(name, options)
}

/**
 * Tells this process and those that it starts the test runner's own shard: it decides which part
 * of the range is tried first, unless the user names a shard.
 *
 * @param shard the runner's own, if it has one
 */
export function preferShard(shard: Shard | undefined): void {
  Object.assign(process.env, runnerShardVariables(shard))
}

/** A text that names no shard is left to the runner, which refuses it. */
export function shardFromArguments(args: readonly string[]): Shard | undefined {
  const at = args.findIndex((arg) => arg === '--shard' || arg.startsWith('--shard='))
  const text = args[at] === '--shard' ? args[at + 1] : args[at]?.slice('--shard='.length)
  return parseShard(text ?? '')
}
