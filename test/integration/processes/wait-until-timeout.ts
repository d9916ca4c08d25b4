/** Uses up a slice, and then only waits for one more port. */
import { createAllocator } from '@portslice/core'

const probe = await createAllocator()
const { first, last } = probe.slices[0] as { first: number; last: number }
await probe.close()
const allocator = await createAllocator({ range: [first, last], waitTimeout: 500 })
for (;;) {
  try {
    await allocator.take()
  } catch (error) {
    console.log((error as { code: string }).code)
    break
  }
}
