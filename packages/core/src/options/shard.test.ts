import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { detectShard, formatShard, parseShard, runnerShardVariables } from './shard.js'

describe('$PORTSLICE_SHARD', () => {
  test('is read as index/total', () => {
    expect(detectShard({ PORTSLICE_SHARD: '2/4' })).toEqual({
      shard: { index: 2, total: 4, isStrict: true },
      source: '$PORTSLICE_SHARD',
    })
    expect(detectShard({})).toBeUndefined()
    expect(detectShard({ PORTSLICE_SHARD: '' })).toBeUndefined()
  })

  test.each(['5/4', '0/4', '1/0', '-1/4', '1.5/4', '2', '2/', 'two/four', '2/4/6', '1e1/20'])(
    'refuses %j and names the variable',
    (text) => {
      expect(() => detectShard({ PORTSLICE_SHARD: text })).toThrow(
        expect.objectContaining({
          code: 'ERR_PORTSLICE_SHARD_INVALID',
          value: text,
          message: expect.stringContaining('$PORTSLICE_SHARD'),
        }),
      )
    },
  )

  test('accepts 1 to total, and nothing else', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), (index, total) => {
        const shard = parseShard(formatShard({ index, total }))
        if (index >= 1 && index <= total) expect(shard).toEqual({ index, total })
        else expect(shard).toBeUndefined()
      }),
    )
  })
})

describe('the variables of CI systems', () => {
  test.each([
    ['Heroku', { CI_NODE_INDEX: '0', CI_NODE_TOTAL: '3', HEROKU_TEST_RUN_ID: 'x' }],
    ['GitLab', { CI_NODE_INDEX: '1', CI_NODE_TOTAL: '3' }],
    ['CircleCI', { CIRCLE_NODE_INDEX: '0', CIRCLE_NODE_TOTAL: '3' }],
    ['Buildkite', { BUILDKITE_PARALLEL_JOB: '0', BUILDKITE_PARALLEL_JOB_COUNT: '3' }],
    ['Azure', { SYSTEM_JOBPOSITIONINPHASE: '1', SYSTEM_TOTALJOBSINPHASE: '3' }],
    ['Bitbucket', { BITBUCKET_PARALLEL_STEP: '0', BITBUCKET_PARALLEL_STEP_COUNT: '3' }],
    ['Semaphore', { SEMAPHORE_JOB_INDEX: '1', SEMAPHORE_JOB_COUNT: '3' }],
  ])('%s: the first of three', (_, env) => {
    expect(detectShard(env)?.shard).toEqual({ index: 1, total: 3, isStrict: false })
  })

  test('GitLab without `parallel` sets only the total, which is not a shard', () => {
    expect(detectShard({ CI_NODE_TOTAL: '1' })).toBeUndefined()
  })

  test.each([
    { CI_NODE_INDEX: '4', CI_NODE_TOTAL: '3' },
    { CI_NODE_INDEX: '0', CI_NODE_TOTAL: '3' },
    { CI_NODE_INDEX: 'x', CI_NODE_TOTAL: '3' },
  ])('%j are ignored, and named', (env) => {
    expect(detectShard(env)).toEqual({
      shard: undefined,
      source: '$CI_NODE_INDEX of $CI_NODE_TOTAL',
    })
  })
})

test("the test runner's own shard comes after $PORTSLICE_SHARD and before a CI system", () => {
  const ci = { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '3' }
  const runner = { ...ci, ...runnerShardVariables({ index: 3, total: 9 }) }
  expect(detectShard(runner)?.shard).toEqual({ index: 3, total: 9, isStrict: false })
  expect(detectShard({ ...runner, PORTSLICE_SHARD: '1/2' })?.shard).toEqual({
    index: 1,
    total: 2,
    isStrict: true,
  })
  expect(runnerShardVariables(undefined)).toEqual({})
})
