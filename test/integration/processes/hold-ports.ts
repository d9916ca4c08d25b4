/** Takes three ports, prints a line, and stays. */
import { createAllocator } from '@portslice/core'

const allocator = await createAllocator()
const leases = await allocator.takeMany(3, { label: 'held' })
console.log(
  JSON.stringify({ first: allocator.slices[0]?.first, ports: leases.map(({ port }) => port) }),
)
setInterval(() => {}, 60_000)
