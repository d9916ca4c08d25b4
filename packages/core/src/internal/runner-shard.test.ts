import { expect, test } from 'vitest'
import { shardFromArguments } from './runner-shard.js'

test.each([
  [['test', '--shard=2/4'], { index: 2, total: 4 }],
  [['run', '--shard', '1/3', '--reporter=dot'], { index: 1, total: 3 }],
  [['run', '--shards=1/3'], undefined],
  [['run', '--shard'], undefined],
  [['run', '--shard=5/4'], undefined],
  [['run', '--shard=a/b'], undefined],
  [[], undefined],
])('%j', (args, shard) => {
  expect(shardFromArguments(args)).toEqual(shard)
})
