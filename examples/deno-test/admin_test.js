import { createAllocator } from '@portslice/core'
import { servedOn } from './pages.js'

for (const page of ['first', 'second']) {
  Deno.test(`admin: serves its ${page} page`, async () => {
    await using allocator = await createAllocator()
    await using lease = await allocator.take({ label: page })
    const text = await servedOn(lease.port, page)
    if (text !== page) throw new Error(`It served ${text}.`)
  })
}
