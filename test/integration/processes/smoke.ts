/** Takes, binds, releases, claims and lists, and prints each result. */
import { once } from 'node:events'
import net from 'node:net'
import { claimPort, createAllocator, listSlices, namedPort } from '@portslice/core'

const allocator = await createAllocator()
const lease = await allocator.take({ label: 'smoke' })
const server = net.createServer().listen(lease.port)
await once(server, 'listening')
const isListening = await lease.isListening()
server.close()
const { leaked } = await lease.release()
const claimed = await claimPort(lease.port)
const named = await namedPort('web')
const slices = await listSlices()
console.log(
  JSON.stringify({
    platform: process.platform,
    isListening,
    leaked,
    isClaimed: claimed.port === lease.port,
    isNamed: named > 0 && named !== lease.port,
    isListed: slices.some(({ first }) => first === allocator.slices[0]?.first),
  }),
)
await allocator.close()
process.exit()
