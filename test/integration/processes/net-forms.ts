/**
 * Eight workers of a cluster listen on port 0 in every form that Node accepts, all on one form
 * at a time, with the module that is named; prints the port of each worker by form.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import type net from 'node:net'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'

type Net = typeof net
type Form = (server: net.Server, callback: () => void) => unknown

const WORKERS = 8

const FORMS: Record<string, Form> = {
  'listen()': (server, callback) => server.on('listening', callback).listen(),
  'listen(callback)': (server, callback) => server.listen(callback),
  'listen(undefined, callback)': (server, callback) => server.listen(undefined, callback),
  'listen(null)': (server, callback) => server.on('listening', callback).listen(null as never),
  'listen(0)': (server, callback) => server.on('listening', callback).listen(0),
  'listen(0, callback)': (server, callback) => server.listen(0, callback),
  "listen('0', callback)": (server, callback) => server.listen('0' as never, callback),
  'listen(0, host, callback)': (server, callback) => server.listen(0, '127.0.0.1', callback),
  'listen(0, backlog, callback)': (server, callback) => server.listen(0, 5 as never, callback),
  'listen(0, host, backlog, callback)': (server, callback) =>
    server.listen(0, 'localhost', 5, callback),
  'listen({ port: 0 }, callback)': (server, callback) => server.listen({ port: 0 }, callback),
  "listen({ port: '0' }, callback)": (server, callback) =>
    server.listen({ port: '0' as never }, callback),
  'listen({ port: undefined }, callback)': (server, callback) =>
    server.listen({ port: undefined }, callback),
  'listen({ port: null }, callback)': (server, callback) =>
    server.listen({ port: null as never }, callback),
  'listen({ port, host, backlog, exclusive: false }, callback)': (server, callback) =>
    server.listen({ port: 0, host: '127.0.0.1', backlog: 5, exclusive: false }, callback),
  'listen(a frozen object, callback)': (server, callback) =>
    server.listen(Object.freeze({ port: 0, exclusive: false }), callback),
  'listen(an object that computes its port, callback)': (server, callback) =>
    server.listen(
      new (class {
        readonly #port = 0
        get port() {
          return this.#port
        }
      })(),
      callback,
    ),
  'listen({ port: 0 with a signal }, callback)': (server, callback) =>
    server.listen({ port: 0, signal: new AbortController().signal }, callback),
}

/** Ports and paths that workers of a cluster share with `node:net`, and must also share with our module. */
const SHARED: Record<string, Form> = {
  'listen(a port)': (server, callback) => server.listen(Number(process.env.SHARED_PORT), callback),
  'listen({ port: a port })': (server, callback) =>
    server.listen({ port: Number(process.env.SHARED_PORT) }, callback),
  'listen(a path)': (server, callback) =>
    server.listen(path.join(os.tmpdir(), `portslice-net-${process.ppid}.sock`), callback),
}

const KINDS: Record<string, (module: Net) => net.Server> = {
  createServer: (module) => module.createServer(),
  'new Server': (module) => new module.Server(),
  'a class of its own': (module) => new (class extends module.Server {})(),
}

const scenes = [
  ...Object.entries(FORMS).map(([name, listen]) => ({ name, listen, kind: 'createServer' })),
  ...Object.entries(SHARED).map(([name, listen]) => ({ name, listen, kind: 'createServer' })),
  ...Object.keys(KINDS).map((kind) => ({
    name: kind,
    listen: FORMS['listen(0, callback)'] as Form,
    kind,
  })),
]

if (cluster.isPrimary) {
  const seen = scenes.map(({ name }) => ({ name, addresses: [] as unknown[] }))
  for (let i = 0; i < WORKERS; i++) cluster.fork()
  let scene = 0
  cluster.on('message', (_, address: unknown) => {
    const current = seen[scene]
    current?.addresses.push(address)
    // All listen at the same time before any closes.
    if (current?.addresses.length === WORKERS) {
      scene++
      for (const worker of Object.values(cluster.workers ?? {})) worker?.send('next')
    }
  })
  cluster.on('exit', () => {
    if (Object.keys(cluster.workers ?? {}).length === 0) console.log(JSON.stringify(seen))
  })
} else {
  const module = ((await import(process.argv[2] as string)) as { default: Net }).default
  for (const { listen, kind } of scenes) {
    const server = (KINDS[kind] as (from: Net) => net.Server)(module)
    await new Promise<void>((resolve) => {
      listen(server, resolve)
    })
    const address = server.address() as AddressInfo | string
    const next = once(process, 'message')
    process.send?.(typeof address === 'string' ? address : address.port)
    await next
    server.close()
  }
  process.disconnect()
}
