/** Takes ports in every way, and prints what then keeps the process alive. Nothing should. */
import { createAllocator, namedPort, takePort } from '@portslice/core'

const allocator = await createAllocator({ timeWaitGuard: 'always' })
await allocator.takeMany(40, { label: 'left' })
await allocator.take({ releaseWhenClosed: true })
await takePort()
await namedPort('left')
const lease = await allocator.take()
await lease.release()
// What is closed already goes with the next turns of the loop, and a look at the kernel's tables
// of sockets ends, later where there are many; a pipe to the reader of stdout is not ours.
const active = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap')
const deadline = performance.now() + 5000
while (active().length > 0 && performance.now() < deadline) {
  await new Promise((resolve) => setImmediate(resolve))
}
console.log(JSON.stringify(active()))
