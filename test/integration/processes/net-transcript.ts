/**
 * What a program sees of a `net` module: run on Node's own and on ours, the transcripts must be
 * the same. The programs are of the kinds that Node's documentation of `net` shows.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import http from 'node:http'
import nodeNet, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { inherits } from 'node:util'

type Net = typeof nodeNet

function said(error: unknown): unknown {
  const { name, code, message } = error as NodeJS.ErrnoException
  // Ports differ from run to run.
  return [name, code, message?.replaceAll(/\d{4,5}/g, 'PORT')]
}

async function attempt(run: () => unknown): Promise<unknown> {
  try {
    return (await run()) ?? 'nothing'
  } catch (error) {
    return said(error)
  }
}

const port = (server: nodeNet.Server) => (server.address() as AddressInfo).port

async function close(server: nodeNet.Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}

async function listening(server: nodeNet.Server, ...args: unknown[]): Promise<nodeNet.Server> {
  ;(server.listen as (...args: unknown[]) => unknown)(...args)
  await once(server, 'listening')
  return server
}

const PROGRAMS: Record<string, (net: Net) => unknown> = {
  'what there is': (net) => Object.keys(net).sort(),

  'a server that says goodbye': async (net) => {
    const server = net.createServer((socket) => socket.end('goodbye\n'))
    await listening(server, 0)
    const answer = await text(net.connect(port(server)))
    await close(server)
    return answer
  },

  'a server that echoes, with half-open connections': async (net) => {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.write('hello\r\n')
      socket.pipe(socket)
    })
    await listening(server, 0, '127.0.0.1')
    const client = net.createConnection({ port: port(server), host: '127.0.0.1' })
    client.end('to you')
    const answer = await text(client)
    await close(server)
    return answer
  },

  'a server that finds its port taken tries again': async (net) => {
    const other = await listening(nodeNet.createServer(), { port: 0, exclusive: true })
    const server = net.createServer()
    const errors: unknown[] = []
    server.on('error', async (error) => {
      errors.push(said(error))
      await close(other)
      server.listen({ port: taken, exclusive: true })
    })
    const taken = port(other)
    await new Promise<void>((resolve) => {
      server.listen({ port: taken, exclusive: true }, resolve)
    })
    const isThere = port(server) === taken
    await close(server)
    return [errors, isThere]
  },

  'a server that is aborted': async (net) => {
    const controller = new AbortController()
    const server = await listening(net.createServer(), { port: 0, signal: controller.signal })
    const closed = once(server, 'close')
    controller.abort()
    await closed
    return server.listening
  },

  'connections are counted, and dropped above the most': async (net) => {
    // In a cluster the primary offers them to other workers instead, without end.
    if (cluster.isWorker) return
    const server = await listening(net.createServer(), 0)
    server.maxConnections = 1
    const first = net.connect(port(server))
    await once(server, 'connection')
    const dropped = once(server, 'drop')
    const second = net.connect(port(server))
    second.on('error', () => {})
    await dropped
    const count = await new Promise((resolve) => {
      server.getConnections((_, connections) => resolve(connections))
    })
    first.destroy()
    second.destroy()
    await close(server)
    return count
  },

  'a server that has closed listens again': async (net) => {
    const server = await listening(net.createServer(), 0)
    await close(server)
    await listening(server, { port: 0, host: '127.0.0.1' })
    const { address } = server.address() as AddressInfo
    await close(server)
    return address
  },

  'a server cannot listen twice': async (net) => {
    const server = await listening(net.createServer(), 0)
    const answer = await attempt(() => server.listen(0))
    await close(server)
    return answer
  },

  'what is not a port': async (net) => {
    const values = [-1, 65_536, 1.5, Number.NaN, false, true, {}, [], '', ' ', { port: -1 }]
    const more = [{ port: 'x' }, { port: true }, { path: 5 }, { host: 'localhost' }, { fd: -1 }]
    return Promise.all(
      [...values, ...more].map((value) => attempt(() => net.createServer().listen(value as never))),
    )
  },

  'bad options of a server': (net) =>
    Promise.all(
      [5, 'x', true].map((value) => attempt(() => typeof net.createServer(value as never))),
    ),

  'a host that there is not': async (net) => {
    const server = net.createServer().listen(0, 'no-such-host.invalid')
    const [error] = await once(server, 'error')
    return (error as NodeJS.ErrnoException).syscall
  },

  'what a server is': async (net) => {
    const plain = (net.Server as unknown as () => nodeNet.Server)()
    class Own extends net.Server {
      override listen(...args: unknown[]) {
        this.emit('own', args.length)
        return (super.listen as (...args: unknown[]) => this)(...args)
      }
    }
    const calls: unknown[] = []
    const own = new Own()
    own.on('own', (count) => calls.push(count))
    await listening(own, { port: 0 })
    await close(own)
    function Old(this: nodeNet.Server) {
      ;(net.Server as unknown as (this: unknown) => void).call(this)
    }
    inherits(Old, net.Server)
    const old = new (Old as unknown as new () => nodeNet.Server)()
    await listening(old, 0)
    const isOld = old instanceof Old
    await close(old)
    return [
      [plain, own, old].map((server) => server instanceof net.Server),
      [plain, own, old].map((server) => server instanceof nodeNet.Server),
      [http.createServer(), nodeNet.createServer(), {}].map((each) => each instanceof net.Server),
      [plain, old].map((server) => server instanceof Own),
      isOld,
      calls,
      plain.constructor.name,
      net.Server.name,
      await attempt(() => net.createServer()[Symbol.asyncDispose]?.()),
    ]
  },

  'what becomes of the options': async (net) => {
    const given = [Object.freeze({ port: 0, host: '127.0.0.1' }), { port: undefined }]
    for (const options of given) await close(await listening(net.createServer(), options))
    return given
  },

  'how many arguments there are': (net) => [net.Server.length, net.createServer.length],
}

export async function transcriptOf(net: Net): Promise<Record<string, unknown>> {
  const transcript: Record<string, unknown> = {}
  for (const [name, run] of Object.entries(PROGRAMS))
    transcript[name] = await attempt(() => run(net))
  return transcript
}

/** As a script: in a worker of a cluster, with the module that is named. */
if (process.argv[1] === import.meta.filename) {
  if (cluster.isPrimary) {
    cluster.fork().on('message', (transcript) => console.log(JSON.stringify(transcript)))
  } else {
    const module = (await import(process.argv[2] as string)) as { default: Net }
    process.send?.(await transcriptOf(module.default))
    process.disconnect()
  }
}
