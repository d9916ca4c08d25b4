import dgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { temporaryFolder } from '../own-slices.test-support.js'
import { isFree } from './free.js'
import { probeTcpOnAddresses, probeUdpOnAddresses } from './free-on-addresses.js'
import { isLeaked } from './leak.js'
import { isListening } from './listening.js'
import { guardWithTimeWait } from './time-wait.js'

/** A port that no other process gets while the test runs. */
async function portOfTest(range?: readonly [number, number]): Promise<number> {
  const allocator = await createAllocator({
    lockDirectory: temporaryFolder(),
    ...(range && { range }),
  })
  onTestFinished(() => allocator.close())
  return (await allocator.take()).port
}

async function serveTcp(port: number, host: string): Promise<net.Server> {
  const server = net.createServer().listen({ port, host, exclusive: true })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

async function serveUdp(
  port: number,
  type: 'udp4' | 'udp6',
  address: string,
): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type, ipv6Only: type === 'udp6' })
  onTestFinished(() => {
    try {
      socket.close()
    } catch {
      // The test has closed it.
    }
  })
  socket.bind({ port, address, exclusive: true })
  await once(socket, 'listening')
  return socket
}

const hasIpv6 =
  process.platform !== 'linux' || readFileSync('/proc/net/if_inet6', 'utf8').includes('lo')
const hosts = ['0.0.0.0', '127.0.0.1', '127.0.0.2', ...(hasIpv6 ? ['::', '::1'] : [])]

const PROBES = [
  { how: 'with one bind', isFreeForTcp: isFree, isFreeForUdp: isFree },
  {
    how: 'address by address',
    isFreeForTcp: async (port: number) => (await probeTcpOnAddresses(port)).state === 'free',
    isFreeForUdp: async (port: number) => (await probeUdpOnAddresses(port)).state === 'free',
  },
]

describe.each(PROBES)('a port, probed $how,', ({ isFreeForTcp, isFreeForUdp }) => {
  // On other systems than Linux, an address that is not probed is not seen.
  const seen = hosts.filter((host) => process.platform === 'linux' || host !== '127.0.0.2')

  test.each(seen)('with a TCP listener on %s is not free, and listened on', async (host) => {
    const port = await portOfTest()
    expect([await isFreeForTcp(port), await isListening(port)]).toEqual([true, false])
    const server = await serveTcp(port, host)
    expect([await isFreeForTcp(port), await isListening(port)]).toEqual([false, true])
    server.close()
    await once(server, 'close')
    expect([await isFreeForTcp(port), await isListening(port)]).toEqual([true, false])
  })

  test.each(seen)('with a UDP socket on %s is not free, and listened on', async (host) => {
    const port = await portOfTest()
    const socket = await serveUdp(port, host.includes(':') ? 'udp6' : 'udp4', host)
    expect([await isFreeForUdp(port), await isListening(port)]).toEqual([false, true])
    socket.close()
    await once(socket, 'close')
    expect([await isFreeForUdp(port), await isListening(port)]).toEqual([true, false])
  })

  test('can be probed repeatedly: get-port does not remember it', async () => {
    const port = await portOfTest()
    for (let i = 0; i < 20; i++) expect(await isFreeForTcp(port)).toBe(true)
  })
})

describe('a port', () => {
  test('whose server closes a moment later has not leaked', async () => {
    const port = await portOfTest()
    const server = await serveTcp(port, '127.0.0.1')
    const leaked = isLeaked(port)
    setImmediate(() => server.close())
    expect(await leaked).toBe(false)
  })

  test('whose server stays has leaked', async () => {
    const port = await portOfTest()
    await serveTcp(port, '127.0.0.1')
    expect(await isLeaked(port)).toBe(true)
  })
})

describe('the TIME_WAIT guard', () => {
  test.runIf(process.platform === 'linux')(
    'leaves the port in TIME_WAIT, and free for an app',
    async () => {
      const port = await portOfTest()
      expect(await guardWithTimeWait(port)).toBe('guarded')
      const inTimeWait = new RegExp(
        `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 06 `,
      )
      expect(readFileSync('/proc/net/tcp', 'utf8')).toMatch(inTimeWait)
      expect(await isFree(port)).toBe(true)
      await serveTcp(port, '0.0.0.0')
    },
  )

  test('says when another socket has the port', async () => {
    const port = await portOfTest()
    await serveTcp(port, '127.0.0.1')
    expect(await guardWithTimeWait(port)).toBe('taken')
  })
})
