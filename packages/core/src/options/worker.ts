import cluster from 'node:cluster'
import { runtime } from '../platform/runtime.js'
import type { Shard } from '../slice/layout.js'
import { detectShard } from './shard.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Which worker of which test runner this process or thread is. */
export interface WorkerIdentity {
  /** `vitest`, `playwright`, `jest`, `mocha`, `node-test`, `ava`, `cluster`; for anything else the runtime: `bun`, `deno` or `node`. */
  runner: string
  /** 1-based. Only decides which slice is tried first. */
  workerId: number
  /** From `$PORTSLICE_SHARD`, the test runner, or the variables of a CI system if they are complete. 1-based. */
  shard?: Shard
}

/** In order of precedence. */
const RUNNERS: readonly { runner: string; variable: string; firstId: 0 | 1 }[] = [
  { runner: 'vitest', variable: 'VITEST_POOL_ID', firstId: 1 },
  { runner: 'playwright', variable: 'TEST_PARALLEL_INDEX', firstId: 0 },
  { runner: 'jest', variable: 'JEST_WORKER_ID', firstId: 1 },
  { runner: 'mocha', variable: 'MOCHA_WORKER_ID', firstId: 0 },
  { runner: 'node-test', variable: 'NODE_TEST_WORKER_ID', firstId: 1 },
]

/** AVA sets no variable and does not number its workers. */
const AVA_WORKER_SCRIPT = /[\\/]ava[\\/]lib[\\/]worker[\\/]base\.js$/

/**
 * Detects which worker of which test runner this process or thread is.
 *
 * @param env the environment variables to look at; default: `process.env`
 * @throws PortsliceError ERR_PORTSLICE_SHARD_INVALID if `$PORTSLICE_SHARD` is not a shard
 * @example
 * detectWorker() // { runner: 'vitest', workerId: 3 }
 */
export function detectWorker(env: Environment = process.env): WorkerIdentity {
  const { shard } = detectShard(env) ?? {}
  return {
    ...findWorker(env),
    ...(shard && { shard: { index: shard.index, total: shard.total } }),
  }
}

function findWorker(env: Environment): { runner: string; workerId: number } {
  for (const { runner, variable, firstId } of RUNNERS) {
    const id = env[variable]
    if (id !== undefined && /^\d{1,9}$/.test(id)) {
      return { runner, workerId: Math.max(1, Number(id) + 1 - firstId) }
    }
  }
  // Node removes the variable with the worker's number from the environment.
  if (env === process.env && cluster.worker) {
    return { runner: 'cluster', workerId: cluster.worker.id }
  }
  return { runner: findRunner(env), workerId: isThread() ? threadNumber() : 1 }
}

/** Node marks functions that threads may not call. To load `node:worker_threads` would take 2 ms. */
function isThread(): boolean {
  return 'disabled' in process.abort
}

function threadNumber(): number {
  return process.getBuiltinModule('node:worker_threads').threadId + 1
}

function findRunner(env: Environment): string {
  if (env.NODE_TEST_CONTEXT !== undefined) return 'node-test'
  if (env !== process.env) return 'node'
  return AVA_WORKER_SCRIPT.test(process.argv[1] ?? '') ? 'ava' : runtime().name
}
