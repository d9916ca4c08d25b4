import { PortsliceError } from '../errors.js'
import { ephemeralRange, excludedRanges } from '../platform/host.js'
import {
  defaultRanges,
  formatRanges,
  holdableSlices,
  type PortRange,
  partOf,
  preferenceClasses,
  type Shard,
  SLICE_SIZE,
  SliceRuns,
  type SliceStart,
  trialOrder,
} from '../slice/layout.js'
import { lockDirectoryFor, workingDirectory } from './lock-directory.js'
import { warnAboutMisspeltVariables } from './misspelt-variables.js'
import { type AllocatorOptions, checkAllocatorOptions } from './options.js'
import { findProjectRoot } from './project-root.js'
import { rangeFromEnvironment, validateRange } from './range.js'
import { type ResolvedRemote, resolveRemote } from './remote.js'
import { detectShard, formatShard, type ResolvedShard, validateShard } from './shard.js'
import { detectWorker } from './worker.js'

const DEFAULT_WAIT_TIMEOUT_MS = 10_000
/** That of Linux, because the setting of another host cannot be read. */
const ASSUMED_EPHEMERAL_RANGE: PortRange = { first: 32_768, last: 60_999 }

/** What an allocator works with, from its options, environment variables and the machine. */
export interface ResolvedOptions {
  /** The ports to choose from: ascending, not overlapping. A strict shard may use only a part of them. */
  readonly ranges: readonly PortRange[]
  /** All slices that this worker may use, in the order in which it tries them. */
  readonly slices: Iterable<SliceStart>
  /** The directory with the locks and journals, as an absolute path; `undefined`: without files. */
  readonly lockDirectory: string | undefined
  /** The other host whose ports are leased; `undefined`: those of this machine. */
  readonly remote: ResolvedRemote | undefined
  /** The working directory; empty if it has been deleted. */
  readonly cwd: string
  /** As in `WorkerIdentity`. */
  readonly runner: string
  /** 1-based. */
  readonly workerId: number
  /** The shard of the run, and whether it is strict; `undefined` without shards. */
  readonly shard: ResolvedShard | undefined
  /** How long to wait for a port, in ms. */
  readonly waitTimeout: number
  /** The order in which the ports of a slice are handed out. */
  readonly order: 'sequential' | 'random'
  /** See `findProjectRoot`. */
  readonly projectRoot: string
  /**
   * Whether this port must be protected from the kernel by TIME_WAIT.
   *
   * @param port 1 to 65535
   */
  readonly needsTimeWait: (port: number) => boolean
}

/**
 * Resolves the options of an allocator, and leases nothing.
 *
 * @param options as for `createAllocator`
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   for options and environment variables alike
 */
export function resolveOptions(options: AllocatorOptions = {}): ResolvedOptions {
  checkAllocatorOptions(options)
  warnAboutMisspeltVariables(process.env)
  const worker = detectWorker()
  const workerId = options.workerId ?? worker.workerId
  const shard = resolveShard(options)
  const remote = resolveRemote(options)
  const ephemeral = remote ? ASSUMED_EPHEMERAL_RANGE : ephemeralRange()
  const ranges = resolveRanges(options, ephemeral)
  const all = SliceRuns.in(ranges)
  const part = shard?.isStrict ? partOf(all, shard) : all
  if (part.length === 0) throw tooManyShards(ranges, all.length, shard as Shard)

  const cwd = workingDirectory()
  const projectRoot = findProjectRoot(cwd)
  const guard = options.timeWaitGuard ?? 'auto'
  const classes = preferenceClasses(holdableSlices(part, excludedRanges()), ephemeral)
  const start = { projectRoot, workerId, preferredShard: shard?.isStrict ? undefined : shard }
  return {
    ranges,
    slices: { [Symbol.iterator]: () => trialOrder(classes, start) },
    lockDirectory: remote ? undefined : lockDirectoryFor(options.lockDirectory),
    remote,
    cwd,
    projectRoot,
    runner: worker.runner,
    workerId,
    shard,
    waitTimeout: options.waitTimeout ?? DEFAULT_WAIT_TIMEOUT_MS,
    order: options.order ?? 'sequential',
    needsTimeWait: (port) =>
      // A socket of this machine says nothing to the kernel of another host.
      !remote &&
      (guard === 'always' ||
        (guard === 'auto' && port >= ephemeral.first && port <= ephemeral.last)),
  }
}

function resolveShard({ shard }: AllocatorOptions): ResolvedShard | undefined {
  return shard
    ? { ...validateShard(shard, 'The option `shard`'), isStrict: true }
    : detectShard(process.env)?.shard
}

function resolveRanges({ range }: AllocatorOptions, ephemeral: PortRange): PortRange[] {
  const explicit = range
    ? validateRange(range, 'The option `range`')
    : rangeFromEnvironment(process.env)
  return explicit ? [explicit] : defaultRanges(ephemeral)
}

function tooManyShards(ranges: readonly PortRange[], slices: number, shard: Shard): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_SHARD_INVALID',
    `The range ${formatRanges(ranges)} has ${slices} slices of ${SLICE_SIZE} ports, which is not enough for shard ${formatShard(shard)}.`,
    {
      value: shard,
      advice: `Widen the range to at least ${shard.total * SLICE_SIZE} ports, better ${SLICE_SIZE} for each worker of each shard, or use fewer shards.`,
    },
  )
}
