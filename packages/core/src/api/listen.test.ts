import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { listSlices } from './list.js'
import { type ListeningServer, listen } from './listen.js'

async function isOut(port: number): Promise<boolean> {
  const slices = await listSlices()
  return slices.some(({ ports }) => ports.some((each) => each.port === port))
}

function closing<T extends { close(): unknown }>(server: T): T {
  onTestFinished(() => void server.close())
  return server
}

test.each<[string, () => net.Server]>([
  ['net', () => net.createServer()],
  ['http', () => http.createServer()],
  ['https', () => https.createServer()],
  ['http2', () => http2.createServer() as unknown as net.Server],
  ['http2 with TLS', () => http2.createSecureServer() as unknown as net.Server],
])(
  'a server of %s listens on its leased port, which is given back when it has closed',
  async (_, create) => {
    const server = create()
    const lease = await listen(server)
    expect((server.address() as AddressInfo).port).toBe(lease.port)
    expect(await lease.isListening()).toBe(true)
    expect(await isOut(lease.port)).toBe(true)
    server.close()
    await once(server, 'close')
    await vi.waitFor(async () => expect(await isOut(lease.port)).toBe(false), 10_000)
  },
)

test('100 servers at once get 100 ports', async () => {
  const servers = Array.from({ length: 100 }, () => closing(net.createServer()))
  const leases = await Promise.all(servers.map((server) => listen(server)))
  expect(new Set(leases.map(({ port }) => port)).size).toBe(100)
})

test('passes on where to listen, and has the label', async () => {
  const server = closing(http.createServer())
  const lease = await listen(server, { host: '127.0.0.1', backlog: 5, label: 'web' })
  expect(server.address()).toMatchObject({ address: '127.0.0.1', port: lease.port })
  expect(lease.label).toBe('web')
})

test('tries another port if another program binds the first one', async () => {
  const server = closing(net.createServer())
  const others: net.Server[] = []
  const original = server.listen.bind(server)
  // As late as possible between the hand-out and the bind.
  server.listen = ((options: { port: number }) => {
    if (others.length === 3) return original(options)
    const other = closing(net.createServer()).listen(options.port)
    others.push(other)
    return other.once('listening', () => original(options))
  }) as typeof server.listen
  const { port } = await listen(server)
  const taken = others.map((other) => (other.address() as AddressInfo).port)
  expect(new Set([...taken, port]).size).toBe(4)
})

test('an error of the server is thrown as it is, and no port stays out', async () => {
  const used: number[] = []
  const server = new (class extends EventEmitter {
    listen({ port }: { port: number }) {
      used.push(port)
      setImmediate(() => this.emit('error', Object.assign(new Error('no'), { code: 'EACCES' })))
    }
    close() {}
  })() as ListeningServer
  await expect(listen(server)).rejects.toMatchObject({ code: 'EACCES', message: 'no' })
  expect(used).toHaveLength(1)
  expect(await isOut(used[0] as number)).toBe(false)
})

test('a server that is closed as soon as it listens gives its port back', async () => {
  const server = http.createServer()
  server.once('listening', () => server.close())
  const { port } = await listen(server)
  await vi.waitFor(async () => expect(await isOut(port)).toBe(false), 10_000)
})

test('a server that is closed before it listens is an error', async () => {
  const server = net.createServer()
  const original = server.listen.bind(server)
  server.listen = ((options: object) => {
    original(options)
    server.close()
  }) as typeof server.listen
  await expect(listen(server)).rejects.toMatchObject({ code: 'ERR_PORTSLICE_CLOSED' })
})

test('a `listen` that returns a rejected promise is an error', async () => {
  const server = Object.assign(new EventEmitter(), {
    listen: () => Promise.reject(new Error('not today')),
    close: () => {},
  })
  await expect(listen(server)).rejects.toThrow('not today')
})

test('a server that listens already keeps its port', async () => {
  const server = closing(net.createServer())
  const { port } = await listen(server)
  await expect(listen(server)).rejects.toMatchObject({ code: 'ERR_SERVER_ALREADY_LISTEN' })
  expect((server.address() as AddressInfo).port).toBe(port)
})

/** Like an app of Express or Koa, whose `listen` creates a server. */
const app = Object.assign(() => {}, { listen() {}, once() {}, off() {} })

test.each([undefined, {}, 'server', app])('%s is refused: it is not a server', async (value) => {
  await expect(listen(value as never)).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
  })
})

test.each([{ port: 3000 }, { host: '' }, { backlog: -1 }, { ipv6Only: 1 }])(
  'the options %j are refused',
  async (options) => {
    await expect(listen(net.createServer(), options as never)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
    })
  },
)
