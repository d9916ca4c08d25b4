import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shardFromCi, shardFromVariable } from './shard.js'

describe('$PORTSLICE_SHARD', () => {
  test('is read as index/total', () => {
    expect(shardFromVariable({ PORTSLICE_SHARD: '2/4' })).toEqual({ index: 2, total: 4 })
    expect(shardFromVariable({})).toBeUndefined()
    expect(shardFromVariable({ PORTSLICE_SHARD: '' })).toBeUndefined()
  })

  test.each(['5/4', '0/4', '1/0', '-1/4', '1.5/4', '2', '2/', 'two/four', '2/4/6', '1e1/20'])(
    'refuses %j and names the variable',
    (text) => {
      expect(() => shardFromVariable({ PORTSLICE_SHARD: text })).toThrow(
        expect.objectContaining({
          code: 'ERR_PORTSLICE_SHARD_INVALID',
          value: text,
          message: expect.stringContaining('$PORTSLICE_SHARD'),
        }),
      )
    },
  )

  test('accepts exactly the shards that there are', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), (index, total) => {
        const read = () => shardFromVariable({ PORTSLICE_SHARD: `${index}/${total}` })
        if (index >= 1 && index <= total) expect(read()).toEqual({ index, total })
        else expect(read).toThrow()
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
    expect(shardFromCi(env)).toEqual({ index: 1, total: 3 })
  })

  test('GitLab without `parallel` sets only the total, which is no shard', () => {
    expect(shardFromCi({ CI_NODE_TOTAL: '1' })).toBeUndefined()
  })

  test('nonsense is refused, naming the variables', () => {
    expect(() => shardFromCi({ CI_NODE_INDEX: '4', CI_NODE_TOTAL: '3' })).toThrow(
      /\$CI_NODE_INDEX of \$CI_NODE_TOTAL/,
    )
    expect(() => shardFromCi({ CIRCLE_NODE_INDEX: 'x', CIRCLE_NODE_TOTAL: '3' })).toThrow(
      /CIRCLE_NODE_INDEX/,
    )
  })
})
