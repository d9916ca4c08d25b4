/** Takes ports in every way, and prints what then keeps the process alive. Nothing should. */
import { createAllocator, namedPort, takePort } from '@portslice/core'

const allocator = await createAllocator({ timeWaitGuard: 'always' })
await allocator.takeMany(40, { label: 'left' })
await allocator.take({ releaseWhenClosed: true })
await takePort()
await namedPort('left')
const lease = await allocator.take()
await lease.release()
// What is closed already goes with the next turns of the loop.
for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
// A pipe to whoever reads stdout is not ours.
console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap')))
