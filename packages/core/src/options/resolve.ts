/** Options, environment variables and the machine, settled into what an allocator works with. */
import os from 'node:os'
import path from 'node:path'
import { PortsliceError } from '../errors.js'
import { ephemeralRange, userIdentity } from '../platform/host.js'
import {
  LAST_PORT,
  type PortRange,
  partOf,
  type Shard,
  SLICE_SIZE,
  type SliceStart,
  slicesIn,
  trialOrder,
} from '../slice/layout.js'
import {
  type AllocatorOptions,
  checkAllocatorOptions,
  checkedRange,
  rangeFromVariable,
} from './options.js'
import { findProjectRoot } from './project-root.js'
import { checkedShard } from './shard.js'
import { detectWorker } from './worker.js'

/** Above the ports of well-known servers, and room for 700 slices below Linux' ephemeral range. */
const FIRST_DEFAULT_PORT = 10_000
const DEFAULT_WAIT_TIMEOUT = 10_000

/** Options, environment variables and the machine, settled. */
export interface ResolvedOptions {
  /** The ports to choose from, both ends inclusive. */
  readonly range: PortRange
  /** The slices that this worker may use, in the order in which it tries them. */
  readonly slices: readonly SliceStart[]
  /** The folder with the locks and journals, as an absolute path. */
  readonly lockDirectory: string
  /** The folder that this process works in; empty when it has been deleted. */
  readonly cwd: string
  /** As of `detectWorker`. */
  readonly runner: string
  /** 1-based. */
  readonly workerId: number
  /** The shard of the run; `undefined` without shards. */
  readonly shard: Shard | undefined
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
  const shard = options.shard
    ? checkedShard(options.shard.index, options.shard.total, 'The option `shard`')
    : worker.shard
  const ephemeral = ephemeralRange()
  const range = options.range
    ? checkedRange(options.range, 'The option `range`')
    : (rangeFromVariable(process.env) ?? defaultRange(ephemeral))
  const slices = slicesIn(range)
  const part = shard ? partOf(slices, shard) : slices
  if (part.length === 0) throw tooManyShards(range, slices.length, shard as Shard)

  const cwd = currentFolder()
  const projectRoot = findProjectRoot(cwd)
  const guard = options.timeWaitGuard ?? 'auto'
  return {
    range,
    slices: trialOrder(part, projectRoot, workerId),
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

/**
 * From 10000 up to the last port below the ephemeral range. Where that leaves no slice
 * (`1024 65535` is met in the wild) all ports from 10000, which the guard then protects.
 *
 * @param ephemeral what the OS hands out by itself
 */
export function defaultRange(ephemeral: PortRange): PortRange {
  const below = { first: FIRST_DEFAULT_PORT, last: ephemeral.first - 1 }
  return slicesIn(below).length > 0 ? below : { first: FIRST_DEFAULT_PORT, last: LAST_PORT }
}

function currentFolder(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}

/**
 * The lock directory as an absolute path; it need not be there.
 *
 * @param option what was given, else `$PORTSLICE_LOCK_DIR`, else the default
 */
export function lockDirectoryFor(option: string | undefined): string {
  const named = option ?? process.env.PORTSLICE_LOCK_DIR
  if (!named) return path.join(os.tmpdir(), `portslice-${userIdentity()}`)
  return path.isAbsolute(named) ? named : path.join(currentFolder() || '/', named)
}

function tooManyShards(range: PortRange, slices: number, shard: Shard): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_SHARD_INVALID',
    `The range ${range.first}-${range.last} holds ${slices} slices of ${SLICE_SIZE} ports, which leaves none for shard ${shard.index}/${shard.total}.`,
    {
      value: shard,
      advice: `Widen the range to at least ${shard.total * SLICE_SIZE} ports, better ${SLICE_SIZE} for each worker of each shard, or use fewer shards.`,
    },
  )
}
