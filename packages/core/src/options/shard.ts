/** Which shard this process belongs to, from options, environment variables and CI systems. */

import { inspect, PortsliceError } from '../errors.js'
import type { Shard } from '../slice/layout.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The variables with which a CI system numbers the parallel copies of one job. */
const CI_SYSTEMS: readonly {
  /** A variable without which it is another system. */
  on?: string
  index: string
  total: string
  firstIndex: 0 | 1
}[] = [
  // Heroku CI has GitLab's names, but counts from 0.
  { on: 'HEROKU_TEST_RUN_ID', index: 'CI_NODE_INDEX', total: 'CI_NODE_TOTAL', firstIndex: 0 },
  // GitLab (`parallel:`): 1-based. CI_NODE_TOTAL is 1 and CI_NODE_INDEX unset without it.
  { index: 'CI_NODE_INDEX', total: 'CI_NODE_TOTAL', firstIndex: 1 },
  // CircleCI (`parallelism:`): 0-based.
  { index: 'CIRCLE_NODE_INDEX', total: 'CIRCLE_NODE_TOTAL', firstIndex: 0 },
  // Buildkite (`parallelism:`): 0-based.
  { index: 'BUILDKITE_PARALLEL_JOB', total: 'BUILDKITE_PARALLEL_JOB_COUNT', firstIndex: 0 },
  // Azure Pipelines (`strategy: parallel`): 1-based.
  { index: 'SYSTEM_JOBPOSITIONINPHASE', total: 'SYSTEM_TOTALJOBSINPHASE', firstIndex: 1 },
  // Bitbucket Pipelines (`parallel:`): 0-based.
  { index: 'BITBUCKET_PARALLEL_STEP', total: 'BITBUCKET_PARALLEL_STEP_COUNT', firstIndex: 0 },
  // Semaphore (`parallelism:`): 1-based.
  { index: 'SEMAPHORE_JOB_INDEX', total: 'SEMAPHORE_JOB_COUNT', firstIndex: 1 },
]

/**
 * Checks a shard.
 *
 * @param index 1-based
 * @param total how many shards there are
 * @param source where it was said, for the error, such as `$PORTSLICE_SHARD`
 * @throws PortsliceError ERR_PORTSLICE_SHARD_INVALID, naming `source`
 */
export function checkedShard(index: unknown, total: unknown, source: string): Shard {
  const valid =
    Number.isInteger(index) &&
    Number.isInteger(total) &&
    (index as number) >= 1 &&
    (index as number) <= (total as number)
  if (!valid) {
    throw shardError(source, { index, total })
  }
  return { index: index as number, total: total as number }
}

function shardError(source: string, value: unknown): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_SHARD_INVALID',
    `${source} is ${inspect(value)}, which names no shard.`,
    {
      value,
      advice:
        'Give the index and the total as whole numbers with 1 <= index <= total: 2/4 is the second of four shards.',
    },
  )
}

/** `$PORTSLICE_SHARD`, written `2/4`. */
export function shardFromVariable(env: Environment): Shard | undefined {
  const text = env.PORTSLICE_SHARD
  if (text === undefined || text === '') return undefined
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim())
  if (!match) throw shardError('$PORTSLICE_SHARD', text)
  const [index, total] = [Number(match[1]), Number(match[2])]
  if (index < 1 || index > total) throw shardError('$PORTSLICE_SHARD', text)
  return { index, total }
}

/** The shard that the variables of a CI system name, if any does. */
export function shardFromCi(env: Environment): Shard | undefined {
  const system = ciSystemOf(env)
  if (!system) return undefined
  const [index, total] = [env[system.index] as string, env[system.total] as string]
  return checkedShard(
    wholeNumber(index) + 1 - system.firstIndex,
    wholeNumber(total),
    `$${system.index} of $${system.total} (${inspect(index)} of ${inspect(total)})`,
  )
}

/**
 * Which variables tell the shard, as text for people; `undefined` when none does.
 *
 * @param env the environment variables to look at
 */
export function sourceOfShard(env: Environment): string | undefined {
  if (env.PORTSLICE_SHARD) return '$PORTSLICE_SHARD'
  const system = ciSystemOf(env)
  return system && `$${system.index} of $${system.total}`
}

function ciSystemOf(env: Environment): (typeof CI_SYSTEMS)[number] | undefined {
  return CI_SYSTEMS.find(
    ({ on, index, total }) => env[index] && env[total] && (on === undefined || env[on]),
  )
}

function wholeNumber(text: string): number {
  return /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN
}
