/** Takes ports and gives them back, in each way, in blocks. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { createAllocator } from '@portslice/core'
import { detectPort } from 'detect-port'
import getPort, { clearLockedPorts } from 'get-port'
import { getPortPromise } from 'portfinder'
import { type Blocks, inBlocks } from './in-blocks.ts'
import { planned, whenAllAreReady } from './member.ts'

const plan = planned<Blocks>()
const allocator = await createAllocator()
// A number that nobody uses: this process has it.
const { port: given } = await allocator.take()

async function listenAndClose(port: number): Promise<void> {
  const server = net.createServer().listen({ port, exclusive: true })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function bindAndClose(port: number): Promise<void> {
  const socket = dgram.createSocket({ type: 'udp6' })
  socket.bind({ port, exclusive: true })
  await once(socket, 'listening')
  socket.close()
  await once(socket, 'close')
}

await whenAllAreReady(() =>
  inBlocks(
    {
      async portslice() {
        const lease = await allocator.take()
        await lease.release()
      },
      'get-port': () => getPort(),
      'get-port, a given port'() {
        clearLockedPorts() // It would call taken what it has just given.
        return getPort({ port: given })
      },
      portfinder: () => getPortPromise(),
      'detect-port': () => detectPort(),
      'bare listen(0) and close': () => listenAndClose(0),
      async 'bare: UDP bind and listen, twice'() {
        await bindAndClose(given)
        await listenAndClose(given)
        await bindAndClose(given)
        await listenAndClose(given)
      },
    },
    plan,
  ),
)
