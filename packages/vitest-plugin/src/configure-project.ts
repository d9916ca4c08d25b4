import type { AllocatorOptions } from '@portslice/core'
import {
  type AdapterOptions,
  checkAdapterOptions,
  formatShard,
  runnerShardVariables,
} from '@portslice/core/internal'
import type { TestProject } from 'vitest/node'
import './vitest-types.js'

/**
 * Checks the options and the environment variables before any worker starts, and passes them on to
 * the workers of the project.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   …_LOCK_DIRECTORY
 */
export function configureProject(project: TestProject, options: AdapterOptions): void {
  const { shard } = project.vitest.config
  const { allocator, onLeak, slices } = checkAdapterOptions(options)
  project.provide('portslice', { allocator, onLeak, isReported: onLeak === 'warn' })
  // For fixtures, for `takePort()` of @portslice/core, and for programs that the tests start.
  project.config.env = {
    ...project.config.env,
    ...variablesFor(allocator),
    ...runnerShardVariables(shard && { index: shard.index, total: shard.count }),
  }

  const workers = Number(project.config.maxWorkers ?? project.vitest.config.maxWorkers)
  if (workers > slices) {
    project.vitest.logger.warn(
      `portslice: the range has ${slices} slices of 32 ports for up to ${workers} workers, and each needs one: some will wait for others. Widen the option \`range\` or $PORTSLICE_RANGE, or lower \`maxWorkers\`.`,
    )
  }
}

function variablesFor({ range, shard, lockDirectory }: AllocatorOptions): Record<string, string> {
  return {
    ...(range && { PORTSLICE_RANGE: range.join('-') }),
    ...(shard && { PORTSLICE_SHARD: formatShard(shard) }),
    ...(lockDirectory !== undefined && { PORTSLICE_LOCK_DIR: lockDirectory || 'none' }),
  }
}
