import { expect, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { PORTS_PER_SLICE } from '../slice/layout.js'
import { TestPorts } from './test-ports.js'

test('a port that becomes free only after the end of the test goes back at once', async () => {
  await using allocator = await createAllocator({
    range: await ownRange(),
    lockDirectory: temporaryFolder(),
  })
  const all = await allocator.takeMany(PORTS_PER_SLICE)
  const ports = new TestPorts(allocator, 'a test that timed out')
  const taking = ports.take()
  expect(await ports.release()).toEqual([])
  await all[0]?.release()
  await expect(taking).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_CLOSED',
    problem: expect.stringContaining('"a test that timed out"'),
  })
  const again = await allocator.take()
  expect(again.port).toBe(all[0]?.port)
})
