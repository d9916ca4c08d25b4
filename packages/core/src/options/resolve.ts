/** Options, environment variables and the machine, settled into what an allocator works with. */
import { PortsliceError } from '../errors.js'
import { ephemeralRange } from '../platform/host.js'
import {
  defaultRanges,
  formatRanges,
  type PortRange,
  partOf,
  preferenceClasses,
  type Shard,
  SLICE_SIZE,
  type SliceStart,
  slicesIn,
  trialOrder,
} from '../slice/layout.js'
import { lockDirectoryFor, workingDirectory } from './lock-directory.js'
import {
  type AllocatorOptions,
  checkAllocatorOptions,
  checkedRange,
  rangeFromVariable,
} from './options.js'
import { findProjectRoot } from './project-root.js'
import { checkedShard, detectShard, formatShard, type ResolvedShard } from './shard.js'
import { detectWorker } from './worker.js'

const DEFAULT_WAIT_TIMEOUT = 10_000

/** Options, environment variables and the machine, settled. */
export interface ResolvedOptions {
  /** The ports to choose from: ascending, not overlapping. A strict shard may use only a part of them. */
  readonly ranges: readonly PortRange[]
  /** All slices that this worker may use, in the order in which it tries them. */
  readonly slices: readonly SliceStart[]
  /** The directory with the locks and journals, as an absolute path; `undefined`: without files. */
  readonly lockDirectory: string | undefined
  /** The directory that this process works in; empty when it has been deleted. */
  readonly cwd: string
  /** As of `detectWorker`. */
  readonly runner: string
  /** 1-based. */
  readonly workerId: number
  /** The shard of the run, and whether it is strict; `undefined` without shards. */
  readonly shard: ResolvedShard | undefined
  /** How long to wait for a port, in ms. */
  readonly waitTimeout: number
  /** The order in which the ports of a slice are handed out. */
  readonly order: 'sequential' | 'random'
  /** The checkout that the run belongs to: see `findProjectRoot`. */
  readonly projectRoot: string
  /**
   * Whether this port is to be protected from the kernel by TIME_WAIT.
   *
   * @param port 1 to 65535
   */
  readonly needsTimeWait: (port: number) => boolean
}

/**
 * Settles what an allocator would work with, and leases nothing.
 *
 * @param options as of `createAllocator`
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   for options and environment variables alike
 */
export function resolveOptions(options: AllocatorOptions = {}): ResolvedOptions {
  checkAllocatorOptions(options)
  const worker = detectWorker()
  const workerId = options.workerId ?? worker.workerId
  const shard = resolveShard(options)
  const ephemeral = ephemeralRange()
  const ranges = resolveRanges(options, ephemeral)
  const all = ranges.flatMap(slicesIn)
  const part = shard?.isStrict ? partOf(all, shard) : all
  if (part.length === 0) throw tooManyShards(ranges, all.length, shard as Shard)

  const cwd = workingDirectory()
  const projectRoot = findProjectRoot(cwd)
  const guard = options.timeWaitGuard ?? 'auto'
  return {
    ranges,
    slices: trialOrder(preferenceClasses(part, ephemeral), {
      projectRoot,
      workerId,
      preferredShard: shard?.isStrict ? undefined : shard,
    }),
    lockDirectory: lockDirectoryFor(options.lockDirectory),
    cwd,
    projectRoot,
    runner: worker.runner,
    workerId,
    shard,
    waitTimeout: options.waitTimeout ?? DEFAULT_WAIT_TIMEOUT,
    order: options.order ?? 'sequential',
    needsTimeWait: (port) =>
      guard === 'always' || (guard === 'auto' && port >= ephemeral.first && port <= ephemeral.last),
  }
}

function resolveShard({ shard }: AllocatorOptions): ResolvedShard | undefined {
  return shard
    ? { ...checkedShard(shard, 'The option `shard`'), isStrict: true }
    : detectShard(process.env)?.shard
}

function resolveRanges({ range }: AllocatorOptions, ephemeral: PortRange): PortRange[] {
  const explicit = range
    ? checkedRange(range, 'The option `range`')
    : rangeFromVariable(process.env)
  return explicit ? [explicit] : defaultRanges(ephemeral)
}

function tooManyShards(ranges: readonly PortRange[], slices: number, shard: Shard): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_SHARD_INVALID',
    `The range ${formatRanges(ranges)} holds ${slices} slices of ${SLICE_SIZE} ports, which leaves none for shard ${formatShard(shard)}.`,
    {
      value: shard,
      advice: `Widen the range to at least ${shard.total * SLICE_SIZE} ports, better ${SLICE_SIZE} for each worker of each shard, or use fewer shards.`,
    },
  )
}
