/** Takes a port, and when it is told to, releases it: the last thing that keeps this process alive. */
import { once } from 'node:events'
import { createAllocator } from '@portslice/core'

const allocator = await createAllocator(JSON.parse(process.argv[2] as string))
const lease = await allocator.take()
console.log(JSON.stringify(lease.port))
await once(process.stdin, 'data')
process.stdin.destroy()
void lease.release()
