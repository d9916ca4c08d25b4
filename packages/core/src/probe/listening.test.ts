import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { temporaryFolder } from '../own-slices.test-support.js'
import * as addresses from '../platform/local-addresses.js'
import * as tables from '../platform/socket-table.js'
import { probedAddresses } from './free-on-addresses.js'
import { isLeaked } from './leak.js'
import { isListening } from './listening.js'

vi.mock(import('../platform/local-addresses.js'), { spy: true })
vi.mock(import('../platform/socket-table.js'), { spy: true })

/** Of loopback, but asked for by no name: as an address of a network. */
const NETWORK = '127.0.0.2'

test.runIf(process.platform === 'linux')(
  'without /proc/net, a listener on an address of a network is found by connecting',
  async () => {
    vi.spyOn(tables, 'readSocketTables').mockResolvedValue(undefined)
    const known = vi.spyOn(addresses, 'networkAddresses').mockReturnValue([])
    await using allocator = await createAllocator({ lockDirectory: temporaryFolder() })
    const { port } = await allocator.take()
    const server = net.createServer().listen({ port, host: NETWORK })
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    expect(await isListening(port)).toBe(false)
    known.mockReturnValue([NETWORK])
    expect(await isListening(port)).toBe(true)
    expect(await isLeaked(port)).toBe(true)
    server.close()
    await once(server, 'close')
    expect(await isListening(port)).toBe(false)
  },
)

test('where wildcards do not conflict, the addresses of networks are probed as well', () => {
  vi.spyOn(addresses, 'networkAddresses').mockReturnValue(['192.168.1.7'])
  expect(probedAddresses()).toEqual(['0.0.0.0', '::', '127.0.0.1', '::1', '192.168.1.7'])
})
