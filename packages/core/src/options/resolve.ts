import { PortsliceError } from '../errors.js'
import { ephemeralRange } from '../platform/host.js'
import { system } from '../platform/system.js'
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
import { type AllocatorOptions, checkAllocatorOptions } from './options.js'
import { findProjectRoot } from './project-root.js'
import { rangeFromEnvironment, validateRange } from './range.js'
import { type ResolvedRemote, resolveRemote } from './remote.js'
import { resolveLockDirectory, workingDirectory } from './resolve-lock-directory.js'
import { detectShard, formatShard, type ResolvedShard, validateShard } from './shard.js'
import { refuseMisspeltVariables } from './variables.js'
import { detectWorker } from './worker.js'

const DEFAULT_WAIT_TIMEOUT_MS = 10_000
/** A coordinator whose server or data is new hands out nothing for 30 s. */
const DEFAULT_WAIT_TIMEOUT_WITH_COORDINATOR_MS = 40_000
/** The default of Linux, because the setting of another host cannot be read. */
const ASSUMED_EPHEMERAL_RANGE: PortRange = { first: 32_768, last: 60_999 }

export interface ResolvedOptions {
  /** Ascending, not overlapping. A strict shard may use only a part of them. */
  readonly ranges: readonly PortRange[]
  /** The slices that this worker may use, in the order in which it tries them. */
  readonly slices: Iterable<SliceStart>
  /** An absolute path; `undefined`: without files. */
  readonly lockDirectory: string | undefined
  /** `undefined`: the ports of this machine. */
  readonly remote: ResolvedRemote | undefined
  /** The working directory; empty if it has been deleted. */
  readonly cwd: string
  readonly runner: string
  readonly workerId: number
  readonly shard: ResolvedShard | undefined
  /** In ms. */
  readonly waitTimeout: number
  readonly order: 'sequential' | 'random'
  readonly projectRoot: string
  /** Whether the port must be protected from the kernel by TIME_WAIT. */
  readonly needsTimeWait: (port: number) => boolean
}

/** Combines options, environment variables and defaults, without leasing. @throws PortsliceError */
export function resolveOptions(options: AllocatorOptions = {}): ResolvedOptions {
  checkAllocatorOptions(options)
  refuseMisspeltVariables(process.env)
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
  const classes = preferenceClasses(holdableSlices(part, system.readExcludedRanges()), ephemeral)
  const start = { projectRoot, workerId, preferredShard: shard?.isStrict ? undefined : shard }
  return {
    ranges,
    slices: { [Symbol.iterator]: () => trialOrder(classes, start) },
    lockDirectory: remote ? undefined : resolveLockDirectory(options.lockDirectory),
    remote,
    cwd,
    projectRoot,
    runner: worker.runner,
    workerId,
    shard,
    waitTimeout:
      options.waitTimeout ??
      (remote ? DEFAULT_WAIT_TIMEOUT_WITH_COORDINATOR_MS : DEFAULT_WAIT_TIMEOUT_MS),
    order: options.order ?? 'sequential',
    needsTimeWait: (port) =>
      // A socket of this machine has no effect on the kernel of another host.
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
      advice: `Widen the range to at least ${shard.total * SLICE_SIZE} ports, preferably ${SLICE_SIZE} for each worker of each shard, or use fewer shards.`,
    },
  )
}
