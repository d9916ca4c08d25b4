import type { AllocatorOptions } from '@portslice/core'
import {
  type AdapterOptions,
  checkAdapterOptions,
  formatShard,
  runnerShardVariables,
} from '@portslice/core/internal'
import type { TestProject } from 'vitest/node'
import { leaseTable, type PortCounts, portNames, tableVariables } from './ports-option.js'
import './vitest-types.js'

/** Options of the vitest plugin: those of an allocator, `onLeak` and `ports`. */
export interface PortslicePluginOptions extends AdapterOptions {
  /**
   * Ports that are leased once for the whole run, by name: `{ api: 2, web: 1 }`. Read them with
   * `inject('portslicePorts').api`, or without `await` with `portsFromEnv()` and `namedPortSync('web')`.
   */
  ports?: PortCounts
}

/** Checks the options and environment variables, and passes them to the workers. Runs before any worker starts. */
export async function configureProject(
  project: TestProject,
  options: PortslicePluginOptions,
): Promise<void> {
  const { shard } = project.vitest.config
  const { ports, ...rest } = Object(options) === options ? options : {}
  const names = ports === undefined ? {} : portNames(ports)
  const { allocator, onLeak, slices } = checkAdapterOptions(ports === undefined ? options : rest)
  project.provide('portslice', {
    allocator,
    onLeak,
    isReported: onLeak === 'warn',
    isIsolated: isIsolated(project),
    hooks: project.config.sequence.hooks,
  })
  const table = ports === undefined ? {} : await leaseTable(names, allocator)
  if (ports !== undefined) project.provide('portslicePorts', table)
  // For fixtures, for `takePort()` of @portslice/core, and for programs that the tests start.
  project.config.env = {
    ...project.config.env,
    ...variablesFor(allocator),
    ...(ports !== undefined && tableVariables(names, table)),
    ...runnerShardVariables(shard && { index: shard.index, total: shard.count }),
  }

  const workers = Number(project.config.maxWorkers ?? project.vitest.config.maxWorkers)
  if (workers > slices) {
    project.vitest.logger.warn(
      `portslice: the range has ${slices} slices of 32 ports for up to ${workers} workers, and each needs one: some will wait for others. Widen the option \`range\` or $PORTSLICE_RANGE, or lower \`maxWorkers\`.`,
    )
  }
}

/** Whether each test file has its own worker or, in vm pools, its own globals. */
function isIsolated({ config }: TestProject): boolean {
  // Before vitest 4, each pool has its own options.
  const { pool, poolOptions } = config as {
    pool: string
    poolOptions?: Record<string, { isolate?: boolean }>
  }
  return pool.startsWith('vm') || (poolOptions?.[pool]?.isolate ?? config.isolate)
}

function variablesFor({ range, shard, lockDirectory }: AllocatorOptions): Record<string, string> {
  return {
    ...(range && { PORTSLICE_RANGE: range.join('-') }),
    ...(shard && { PORTSLICE_SHARD: formatShard(shard) }),
    ...(lockDirectory !== undefined && { PORTSLICE_LOCK_DIR: lockDirectory || 'none' }),
  }
}
