import { expect, onTestFinished, test, vi } from 'vitest'
import { detectWorker } from './worker.js'

test.each([
  ['vitest', { VITEST_POOL_ID: '3', JEST_WORKER_ID: '9' }, 3],
  ['playwright', { TEST_PARALLEL_INDEX: '0', TEST_WORKER_INDEX: '7' }, 1],
  ['jest', { JEST_WORKER_ID: '2' }, 2],
  ['mocha', { MOCHA_WORKER_ID: '0' }, 1],
  ['node-test', { NODE_TEST_CONTEXT: 'child-v8' }, 1],
  ['node-test', { NODE_TEST_CONTEXT: 'child-v8', NODE_TEST_WORKER_ID: '4' }, 4],
  ['node', {}, 1],
  ['node', { VITEST_POOL_ID: 'three' }, 1],
])('%s, from %j', (runner, env, workerId) => {
  // Without a variable, the worker id depends on whether this test runs in a thread.
  const found = detectWorker(env)
  expect(found.runner).toBe(runner)
  if (
    Object.keys(env).some((name) => name.endsWith('_ID') || name.endsWith('_INDEX')) &&
    runner !== 'node'
  )
    expect(found.workerId).toBe(workerId)
})

test('detects its vitest worker', () => {
  expect(detectWorker()).toMatchObject({
    runner: 'vitest',
    workerId: Number(process.env.VITEST_POOL_ID),
  })
})

test('detects the shard: $PORTSLICE_SHARD before a CI system', () => {
  const ci = { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' }
  expect(detectWorker(ci).shard).toEqual({ index: 2, total: 3 })
  expect(detectWorker({ ...ci, PORTSLICE_SHARD: '1/9' }).shard).toEqual({ index: 1, total: 9 })
  expect(detectWorker({}).shard).toBeUndefined()
  expect(detectWorker({ CI_NODE_INDEX: '9', CI_NODE_TOTAL: '3' }).shard).toBeUndefined()
})

test.each([
  ['/shop/node_modules/ava/lib/worker/base.js', 'ava'],
  ['C:\\shop\\node_modules\\ava\\lib\\worker\\base.js', 'ava'],
  ['/shop/node_modules/lava/lib/worker/base.js', 'node'],
  [undefined, 'node'],
])('AVA is known by what its workers run: %j', (script, runner) => {
  const { argv } = process
  onTestFinished(() => {
    process.argv = argv
    vi.unstubAllEnvs()
  })
  vi.stubEnv('VITEST_POOL_ID', undefined)
  process.argv = [argv[0] as string, ...(script === undefined ? [] : [script])]
  expect(detectWorker().runner).toBe(runner)
})
