import { inspect, PortsliceError } from '../errors.js'
import type { Shard } from '../slice/layout.js'
import { isIntegerIn } from './validate.js'

type Environment = Readonly<Record<string, string | undefined>>

export interface ResolvedShard extends Shard {
  /** Whether only this part may be used; a detected shard only decides which part is tried first. */
  readonly isStrict: boolean
}

export interface DetectedShard {
  /** `undefined` if the variables of a runner or a CI system do not make up a shard. */
  readonly shard: ResolvedShard | undefined
  /** The variables, for messages. */
  readonly source: string
}

/** Set by adapters to the test runner's `--shard`, such as `2/4`. */
const RUNNER_VARIABLE = 'PORTSLICE_RUNNER_SHARD'

/** The variables with which a CI system numbers the parallel copies of one job. */
const CI_SYSTEMS: readonly {
  /** Must be set as well, because other systems use the same names. */
  requires?: string
  index: string
  total: string
  firstIndex: 0 | 1
}[] = [
  // Heroku CI: with GitLab's names.
  { requires: 'HEROKU_TEST_RUN_ID', index: 'CI_NODE_INDEX', total: 'CI_NODE_TOTAL', firstIndex: 0 },
  // GitLab (`parallel:`). CI_NODE_TOTAL is 1 and CI_NODE_INDEX unset without it.
  { index: 'CI_NODE_INDEX', total: 'CI_NODE_TOTAL', firstIndex: 1 },
  // CircleCI (`parallelism:`)
  { index: 'CIRCLE_NODE_INDEX', total: 'CIRCLE_NODE_TOTAL', firstIndex: 0 },
  // Buildkite (`parallelism:`)
  { index: 'BUILDKITE_PARALLEL_JOB', total: 'BUILDKITE_PARALLEL_JOB_COUNT', firstIndex: 0 },
  // Azure Pipelines (`strategy: parallel`)
  { index: 'SYSTEM_JOBPOSITIONINPHASE', total: 'SYSTEM_TOTALJOBSINPHASE', firstIndex: 1 },
  // Bitbucket Pipelines (`parallel:`)
  { index: 'BITBUCKET_PARALLEL_STEP', total: 'BITBUCKET_PARALLEL_STEP_COUNT', firstIndex: 0 },
  // Semaphore (`parallelism:`)
  { index: 'SEMAPHORE_JOB_INDEX', total: 'SEMAPHORE_JOB_COUNT', firstIndex: 1 },
]

export function formatShard(shard: Shard): string {
  return `${shard.index}/${shard.total}`
}

/** `2/4`; `undefined` if it is not a shard. */
export function parseShard(text: string): Shard | undefined {
  const match = /^\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*$/.exec(text)
  return match ? asShard(Number(match[1]), Number(match[2])) : undefined
}

function asShard(index: unknown, total: unknown): Shard | undefined {
  if (!isIntegerIn(total, 1, Number.MAX_SAFE_INTEGER)) return undefined
  return isIntegerIn(index, 1, total) ? { index, total } : undefined
}

/** @param source where it was given, for the error, such as "The option `shard`" */
export function validateShard(value: unknown, source: string): Shard {
  const { index, total } = (value ?? {}) as Partial<Shard>
  return asShard(index, total) ?? refuse(value, source)
}

export function requireShard(text: string, source: string): Shard {
  return parseShard(text) ?? refuse(text, source)
}

function refuse(value: unknown, source: string): never {
  throw new PortsliceError(
    'ERR_PORTSLICE_SHARD_INVALID',
    `${source} is ${inspect(value)}, which is not a shard.`,
    {
      value,
      advice:
        'Give the index and the total as integers with 1 <= index <= total: 2/4 is the second of four shards.',
    },
  )
}

/** Reads `$PORTSLICE_SHARD`, else the shard from the test runner's adapter, else the variables of a CI system. */
export function detectShard(env: Environment): DetectedShard | undefined {
  if (env.PORTSLICE_SHARD) {
    const source = '$PORTSLICE_SHARD'
    return { shard: { ...requireShard(env.PORTSLICE_SHARD, source), isStrict: true }, source }
  }
  if (env[RUNNER_VARIABLE]) {
    const shard = parseShard(env[RUNNER_VARIABLE])
    return { shard: asPreference(shard), source: "the test runner's --shard" }
  }
  const system = CI_SYSTEMS.find(
    ({ requires, index, total }) =>
      env[index] && env[total] && (requires === undefined || env[requires]),
  )
  if (!system) return undefined
  const index = parseInteger(env[system.index]) + 1 - system.firstIndex
  const shard = asShard(index, parseInteger(env[system.total]))
  return { shard: asPreference(shard), source: `$${system.index} of $${system.total}` }
}

function asPreference(shard: Shard | undefined): ResolvedShard | undefined {
  return shard && { ...shard, isStrict: false }
}

function parseInteger(text = ''): number {
  return /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN
}

/** Variables that pass the test runner's shard to all processes of a run. */
export function runnerShardVariables(shard: Shard | undefined): Record<string, string> {
  return shard ? { [RUNNER_VARIABLE]: formatShard(shard) } : {}
}
