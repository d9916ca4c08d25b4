import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { temporaryFolder } from '../own-slices.test-support.js'
import { probedAddresses } from './free-on-addresses.js'
import { acceptsConnections } from './listening.js'

/** A loopback address that is probed only if it is given, like the address of a network. */
const NETWORK = '127.0.0.2'

test.runIf(process.platform === 'linux')(
  'without /proc/net, a listener on an address of a network is found by connecting',
  async () => {
    await using allocator = await createAllocator({ lockDirectory: temporaryFolder() })
    const { port } = await allocator.take()
    const server = net.createServer().listen({ port, host: NETWORK })
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    expect(await acceptsConnections(port, [])).toBe(false)
    expect(await acceptsConnections(port, ['127.0.0.3', NETWORK])).toBe(true)
    server.close()
    await once(server, 'close')
    expect(await acceptsConnections(port, [NETWORK])).toBe(false)
  },
)

test('where wildcards do not conflict, the addresses of networks are probed as well', () => {
  const probed = probedAddresses(['192.168.1.7'])
  expect(probed).toEqual(['0.0.0.0', '::', '127.0.0.1', '::1', '192.168.1.7'])
})
