/** Who am I among the parallel workers of a test run? */
import cluster from 'node:cluster'
import type { Shard } from '../slice/layout.js'
import { detectShard } from './shard.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Which worker of which test runner this process or thread is. */
export interface WorkerIdentity {
  /** `vitest`, `playwright`, `jest`, `mocha`, `node-test`, `ava`, `cluster`, or `node` for anything else. */
  runner: string
  /** 1-based. Decides which slice is tried first, never whether it may be had. */
  workerId: number
  /**
   * The shard of the run, 1-based, from `$PORTSLICE_SHARD`, the test runner or a CI system's
   * variables. Those of a CI system are ignored if they name no shard.
   */
  shard?: Shard
}

/** The variable with which a runner numbers its workers, in the order they are looked at. */
const RUNNERS: readonly { runner: string; variable: string; firstId: 0 | 1 }[] = [
  { runner: 'vitest', variable: 'VITEST_POOL_ID', firstId: 1 },
  { runner: 'playwright', variable: 'TEST_PARALLEL_INDEX', firstId: 0 },
  { runner: 'jest', variable: 'JEST_WORKER_ID', firstId: 1 },
  { runner: 'mocha', variable: 'MOCHA_WORKER_ID', firstId: 0 },
  { runner: 'node-test', variable: 'NODE_TEST_WORKER_ID', firstId: 1 },
]

/** What AVA's processes and threads run. It sets no variable, and numbers nothing. */
const WORKER_OF_AVA = /[\\/]ava[\\/]lib[\\/]worker[\\/]base\.js$/

/**
 * Tells which worker of which test runner this process or thread is.
 *
 * @param env the environment variables to look at; default: `process.env`
 * @throws PortsliceError ERR_PORTSLICE_SHARD_INVALID if `$PORTSLICE_SHARD` names no shard
 * @example
 * detectWorker() // { runner: 'vitest', workerId: 3 }
 */
export function detectWorker(env: Environment = process.env): WorkerIdentity {
  const { shard } = detectShard(env) ?? {}
  return {
    ...workerFrom(env),
    ...(shard && { shard: { index: shard.index, total: shard.total } }),
  }
}

function workerFrom(env: Environment): { runner: string; workerId: number } {
  for (const { runner, variable, firstId } of RUNNERS) {
    const id = env[variable]
    if (id !== undefined && /^\d{1,9}$/.test(id)) {
      return { runner, workerId: Math.max(1, Number(id) + 1 - firstId) }
    }
  }
  // Node takes the variable that numbers its cluster's workers out of their environment.
  if (env === process.env && cluster.worker) {
    return { runner: 'cluster', workerId: cluster.worker.id }
  }
  return { runner: runnerWithoutNumber(env), workerId: isThread() ? threadNumber() : 1 }
}

/** Node marks what a thread may not do. Asking `node:worker_threads` takes a fresh process 2 ms. */
function isThread(): boolean {
  return 'disabled' in process.abort
}

/** After the main thread, which is the first. */
function threadNumber(): number {
  return process.getBuiltinModule('node:worker_threads').threadId + 1
}

function runnerWithoutNumber(env: Environment): string {
  if (env.NODE_TEST_CONTEXT !== undefined) return 'node-test'
  return env === process.env && WORKER_OF_AVA.test(process.argv[1] ?? '') ? 'ava' : 'node'
}
