import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { formatAddress } from '../platform/socket-table.js'
import { isFree } from './free.js'
import { socketsOfPort } from './port-sockets.js'

const testOfLinux = test.skipIf(process.platform !== 'linux')
const own = expect.objectContaining({ pid: process.pid })

async function serve(host: string): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

testOfLinux.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
])(
  'a connection from %s keeps a port from being bound, though nothing listens',
  async (host, shown) => {
    const remote = await serve(host)
    const client = net.connect(remote, host)
    onTestFinished(() => void client.resetAndDestroy())
    await once(client, 'connect')
    const port = client.localPort as number
    expect(await isFree(port)).toBe(false)
    expect(await socketsOfPort(port)).toEqual([
      { kind: 'connection', address: host, remote: `${shown}:${remote}`, owners: [own] },
    ])
  },
)

testOfLinux('tells a listener and its connections apart', async () => {
  const port = await serve('127.0.0.1')
  expect(await socketsOfPort(port)).toEqual([
    { kind: 'listener', address: '127.0.0.1', owners: [own] },
  ])
  const client = net.connect(port, '127.0.0.1')
  await once(client, 'connect')
  const kinds = (await socketsOfPort(port))?.map(({ kind }) => kind)
  expect(kinds?.sort()).toEqual(['connection', 'listener'])
  client.resetAndDestroy()
})

testOfLinux('nothing has a port that is free', async () => {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  expect(await socketsOfPort(port)).toEqual([])
})

test.runIf(process.platform === 'linux').each([
  ['0100007F', '127.0.0.1'],
  ['00000000000000000000000001000000', '::1'],
  ['00000000000000000000000000000000', '::'],
  ['0000000000000000FFFF00000100007F', '127.0.0.1'],
  ['B80D0120000000000000000001000000', '2001:db8::1'],
])('the address %s is %s', (hex, address) => {
  expect(formatAddress(hex)).toBe(address)
})
