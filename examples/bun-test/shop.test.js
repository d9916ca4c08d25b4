import { expect, test } from 'bun:test'
import { createAllocator } from '@portslice/core'
import { servedOn } from './pages.js'

for (const page of ['first', 'second']) {
  test.concurrent(`serves its ${page} page`, async () => {
    await using allocator = await createAllocator()
    await using lease = await allocator.take({ label: page })
    expect(await servedOn(lease.port, page)).toBe(page)
  })
}
