/** Takes ports in every way, and prints what then keeps the process alive. Nothing should. */
import { createAllocator, namedPort, takePort } from '@portslice/core'

const allocator = await createAllocator({ timeWaitGuard: 'always' })
await allocator.takeMany(40, { label: 'left' })
await allocator.take({ releaseWhenClosed: true })
await takePort()
await namedPort('left')
const lease = await allocator.take()
await lease.release()
// Closed handles disappear with the next turns of the event loop, and a read of the kernel's tables
// of sockets ends, later if they are long. The pipe that reads stdout is not from portslice.
const active = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap')
const deadline = performance.now() + 5000
while (active().length > 0 && performance.now() < deadline) {
  await new Promise((resolve) => setImmediate(resolve))
}
console.log(JSON.stringify(active()))
