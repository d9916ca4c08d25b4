/**
 * What the primary of a Node cluster sees of its workers: run with servers of Node and with ours,
 * the transcripts must be the same. The scenes are what Node documents about `cluster`, and what its
 * own tests check.
 *
 * Arguments: how the workers listen (`node:net`, `@portslice/core/net`; or `server.listen`,
 * `listen` for servers of http and others), and the serialization of messages.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import http from 'node:http'
import nodeNet, { type AddressInfo, type Server } from 'node:net'

const [, , how = 'node:net', serialization = 'json'] = process.argv
const usesListen = how === 'listen' || how === 'server.listen'
const SHARED_PORT = Number(process.env.SHARED_PORT)

interface Primary {
  worker: Worker
  log(...line: unknown[]): void
  /** The port that the next `listening` event names. */
  listening(): Promise<number>
  /** The next message of the worker. */
  message(): Promise<unknown>
}

interface Scene {
  worker(net: typeof nodeNet): unknown
  primary(primary: Primary): unknown
  /** Events of one worker come in an order that the OS decides. */
  isUnordered?: boolean
  /** For servers that listen on one of their ways only. */
  only?: 'net' | 'listen'
}

/** Listens on port 0 on the way that is tried, and returns the server when it listens. */
async function open(server: Server, options: { host?: string } = {}): Promise<Server> {
  if (how === 'listen') {
    // Loaded only here, because that is slow in many workers.
    const { listen } = await import('@portslice/core')
    await listen(server, options)
    return server
  }
  server.listen({ port: 0, ...options })
  await once(server, 'listening')
  return server
}

const server = (net: typeof nodeNet) =>
  net.createServer((socket) => socket.resume().on('error', () => {}))
const say = (what: unknown) => process.send?.(what)

/** An open connection to a worker, until it is closed on command. */
async function connection(port: number): Promise<nodeNet.Socket> {
  const socket = nodeNet.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function untilRefused(port: number): Promise<void> {
  for (;;) {
    const socket = nodeNet.connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (!isOpen) return
  }
}

function disconnectCluster(log: Primary['log']): Promise<void> {
  return new Promise((resolve) => {
    cluster.disconnect(() => {
      log('cluster.disconnect has called back')
      resolve()
    })
  })
}

/** Whether a worker that disconnects waits for the connections of its server. */
async function drain({ worker, log, message }: Primary, port: number, begin: () => void) {
  const socket = await connection(port)
  log(await message())
  begin()
  await untilRefused(port)
  log('refused', worker.isConnected())
  worker.send('are you there?')
  log(await message())
  socket.end()
}

/** The server on the shared port has a connection; the one on port 0 is closed nevertheless. */
async function drainBesideShared(primary: Primary, begin: () => void): Promise<void> {
  const { worker, log, listening, message } = primary
  await listening()
  const port = await listening()
  const socket = await connection(SHARED_PORT)
  log(await message())
  begin()
  await untilRefused(port)
  log('refused', worker.isConnected())
  socket.end()
}

function replaceExitedAfterDisconnect(): void {
  const plain = { value: undefined, writable: true }
  Object.defineProperty(cluster.worker, 'exitedAfterDisconnect', plain)
}

/** Reports its first connection, and answers. */
function sayConnection(net: typeof nodeNet): Server {
  process.on('message', () => say('I am'))
  const saying = server(net)
  saying.once('connection', () => say('connected'))
  return saying
}

const listens: Scene['worker'] = (net) => open(server(net))

async function disconnectsCluster({ log, listening }: Primary): Promise<void> {
  await listening()
  await disconnectCluster(log)
}

async function disconnectsWorker({ worker, listening }: Primary): Promise<void> {
  await listening()
  worker.disconnect()
}

async function sendsGo({ worker, listening }: Primary): Promise<void> {
  await listening()
  worker.send('go')
}

const SCENES: Record<string, Scene> = {
  'cluster.disconnect()': {
    worker: listens,
    primary: disconnectsCluster,
  },

  'worker.disconnect()': {
    worker: listens,
    primary: disconnectsWorker,
  },

  'cluster.worker.disconnect()': {
    async worker(net) {
      // Its exit code shows that the worker has heard it.
      cluster.worker?.once('disconnect', () => {
        process.exitCode = 5
      })
      await open(server(net))
      process.once('message', () => cluster.worker?.disconnect())
    },
    primary: sendsGo,
  },

  ...Object.fromEntries(
    ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].map((host): [string, Scene] => [
      `on ${host}`,
      {
        worker: (net) => open(server(net), { host }),
        primary: disconnectsWorker,
      },
    ]),
  ),

  'worker.kill()': {
    isUnordered: true,
    worker: listens,
    async primary({ worker, listening }) {
      await listening()
      worker.kill()
    },
  },

  'cluster.worker.kill(), with a connection': {
    isUnordered: true,
    async worker(net) {
      await open(sayConnection(net))
      process.once('message', () => cluster.worker?.kill())
    },
    async primary({ worker, log, listening, message }) {
      const socket = await connection(await listening())
      log(await message())
      worker.send('go')
      await once(worker, 'exit')
      socket.destroy()
    },
  },

  'worker.process.kill(SIGKILL)': {
    isUnordered: true,
    worker: listens,
    async primary({ worker, listening }) {
      await listening()
      worker.process.kill('SIGKILL')
    },
  },

  'process.exit() of a worker': {
    isUnordered: true,
    async worker(net) {
      await open(server(net))
      process.once('message', () => process.exit(3))
    },
    primary: sendsGo,
  },

  'process.disconnect() of a worker': {
    async worker(net) {
      await open(server(net))
      process.once('message', () => process.disconnect())
    },
    primary: sendsGo,
  },

  'a connection is open when the primary disconnects': {
    worker: (net) => open(sayConnection(net)),
    async primary(primary) {
      const port = await primary.listening()
      await drain(primary, port, () => primary.worker.disconnect())
    },
  },

  'a connection is open when the cluster disconnects': {
    worker: (net) => open(sayConnection(net)),
    async primary(primary) {
      let called: Promise<void> | undefined
      const port = await primary.listening()
      await drain(primary, port, () => {
        called = disconnectCluster(primary.log)
      })
      await called
    },
  },

  'a connection is open when the worker disconnects': {
    async worker(net) {
      await open(sayConnection(net))
      process.on('message', (what) => {
        if (what === 'go') cluster.worker?.disconnect()
      })
    },
    async primary(primary) {
      const { worker, message } = primary
      const port = await primary.listening()
      await drain({ ...primary, message }, port, () => worker.send('go'))
      // The answer to `go`, and the one to the question.
      primary.log(await message())
    },
  },

  'two servers': {
    async worker(net) {
      await open(server(net))
      await open(server(net), { host: '127.0.0.1' })
    },
    async primary({ log, listening }) {
      const ports = [await listening(), await listening()]
      log('different', new Set(ports).size)
      await disconnectCluster(log)
    },
  },

  'one of two servers has a connection when they are closed': {
    async worker(net) {
      await open(server(net))
      await open(sayConnection(net))
    },
    async primary(primary) {
      const other = await primary.listening()
      const port = await primary.listening()
      await drain(primary, port, () => primary.worker.disconnect())
      await untilRefused(other)
    },
  },

  'a server on a port beside one on port 0': {
    async worker(net) {
      const shared = sayConnection(nodeNet).listen(SHARED_PORT)
      await once(shared, 'listening')
      await open(server(net))
    },
    primary: (primary) => drainBesideShared(primary, () => primary.worker.disconnect()),
  },

  'a server on a port beside one on port 0, and the worker disconnects': {
    async worker(net) {
      process.once('message', () => cluster.worker?.disconnect())
      const shared = server(nodeNet).listen(SHARED_PORT)
      shared.once('connection', () => say('connected'))
      await once(shared, 'listening')
      await open(server(net))
    },
    primary: (primary) => drainBesideShared(primary, () => primary.worker.send('go')),
  },

  'a server that has closed': {
    async worker(net) {
      const closed = await open(server(net))
      process.once('message', () => closed.close(() => say('closed')))
    },
    async primary({ worker, log, listening, message }) {
      await listening()
      worker.send('go')
      log(await message(), worker.isConnected())
      await disconnectCluster(log)
    },
  },

  'a server that is closing, and has a connection': {
    async worker(net) {
      const closing = await open(sayConnection(net))
      process.once('message', () => closing.close())
    },
    async primary({ worker, log, listening, message }) {
      const port = await listening()
      const socket = await connection(port)
      log(await message())
      worker.send('go')
      log(await message())
      await untilRefused(port)
      worker.disconnect()
      // Before the connection has ended.
      await once(worker, 'disconnect')
      socket.end()
    },
  },

  'a server that listens again': {
    async worker(net) {
      const again = await open(server(net))
      process.once('message', async () => {
        again.close()
        await once(again, 'close')
        await open(again)
      })
    },
    async primary({ worker, log, listening }) {
      await listening()
      worker.send('go')
      await listening()
      await disconnectCluster(log)
    },
  },

  'a server that listens on a port after a failed attempt': {
    only: 'net',
    async worker(net) {
      const late = server(net).listen(0, 'no-such-host.invalid')
      await once(late, 'error')
      late.listen(SHARED_PORT)
    },
    primary: disconnectsCluster,
  },

  'a server that does not keep its worker alive': {
    async worker(net) {
      ;(await open(server(net))).unref()
    },
    primary: disconnectsCluster,
  },

  'the state of the worker': {
    async worker(net) {
      await open(server(net))
      process.once('message', () => say((cluster.worker as unknown as { state: string }).state))
    },
    async primary({ worker, log, listening, message }) {
      await listening()
      worker.send('go')
      log(await message())
      worker.disconnect()
    },
  },

  'a worker that throws': {
    isUnordered: true,
    async worker(net) {
      await open(server(net))
      process.once('message', () => {
        process.on('uncaughtException', () => process.exit(7))
        throw new Error('on purpose')
      })
    },
    primary: sendsGo,
  },

  'two workers, disconnected at once': {
    worker: listens,
    isUnordered: true,
    async primary({ log, listening }) {
      const other = cluster.fork({ SCENE: 'two workers, disconnected at once' })
      other.on('listening', () => log('the other listens'))
      other.on('exit', (code) => log('the other exits', code))
      await Promise.all([listening(), once(other, 'listening')])
      await Promise.all([disconnectCluster(log), once(other, 'exit')])
    },
  },

  'a port, shared': {
    only: 'net',
    async worker(net) {
      server(net).listen(SHARED_PORT)
    },
    primary: disconnectsCluster,
  },

  'port 0, exclusive by the caller': {
    only: 'net',
    isUnordered: true,
    async worker(net) {
      server(net).listen({ port: 0, exclusive: true }, () => say('listens'))
    },
    async primary({ worker, log, message }) {
      log(await message())
      worker.disconnect()
      await once(worker, 'disconnect')
      worker.process.kill()
    },
  },

  'port 0 with reusePort': {
    only: 'net',
    isUnordered: true,
    async worker(net) {
      server(net).listen({ port: 0, reusePort: true }, () => say('listens'))
    },
    async primary({ worker, log, message }) {
      log(await message())
      worker.disconnect()
      await once(worker, 'disconnect')
      worker.process.kill()
    },
  },

  'closed as soon as it listens': {
    only: 'net',
    async worker(net) {
      const short = server(net)
      short.listen(0, () => short.close(() => say('closed')))
    },
    async primary({ log, message }) {
      log(await message())
      await disconnectCluster(log)
    },
  },

  'disconnected before it listens': {
    worker(net) {
      // Not awaited: with Node it never listens.
      void open(server(net), { host: 'localhost' })
      cluster.worker?.disconnect()
    },
    primary: () => {},
  },

  'other code replaces worker.exitedAfterDisconnect': {
    async worker(net) {
      await open(server(net))
      replaceExitedAfterDisconnect()
    },
    primary: disconnectsCluster,
  },

  'other code replaces process.disconnect() as well': {
    async worker(net) {
      const { disconnect } = process
      await open(server(net))
      replaceExitedAfterDisconnect()
      process.disconnect = disconnect
    },
    primary: disconnectsCluster,
  },

  'a port in use, then port 0': {
    only: 'net',
    async worker(net) {
      const taken = nodeNet.createServer().listen({ port: SHARED_PORT, exclusive: true })
      await once(taken, 'listening')
      const late = server(net)
      late.once('error', (error: NodeJS.ErrnoException) => {
        say(error.code)
        taken.close()
        late.listen(0)
      })
      late.listen({ port: SHARED_PORT, exclusive: true })
    },
    async primary({ worker, log, message, listening }) {
      log(await message())
      await listening()
      worker.kill()
    },
    isUnordered: true,
  },

  ...Object.fromEntries(
    Object.entries({
      http: () => http.createServer((_, response) => response.end('hello')),
      https: async () => (await import('node:https')).createServer(),
      http2: async () => (await import('node:http2')).createServer(),
    }).map(([name, create]): [string, Scene] => [
      `a server of ${name}`,
      {
        only: 'listen',
        worker: async () => open((await create()) as Server),
        async primary({ log, listening }) {
          const port = await listening()
          // Its connection stays open: closing the server ends it, as it is idle.
          if (name === 'http') log(await (await fetch(`http://127.0.0.1:${port}`)).text())
          await disconnectCluster(log)
        },
      },
    ]),
  ),
}

if (cluster.isWorker) {
  const net = usesListen ? nodeNet : ((await import(how)) as { default: typeof nodeNet }).default
  await SCENES[process.env.SCENE as string]?.worker(net)
} else {
  cluster.setupPrimary({ serialization: serialization as 'json' | 'advanced' })
  const transcript: Record<string, unknown> = {}
  for (const [name, scene] of Object.entries(SCENES)) {
    if (scene.only && (scene.only === 'listen') !== usesListen) continue
    if (process.env.ONLY && !name.includes(process.env.ONLY)) continue
    transcript[name] = await play(name, scene)
  }
  console.log(JSON.stringify(transcript))
}

async function play(name: string, scene: Scene): Promise<unknown[]> {
  const lines: unknown[] = []
  const log = (...line: unknown[]) => void lines.push(line.map(withoutPort))
  const worker = cluster.fork({ SCENE: name })
  const ofCluster: [string, (...args: never[]) => void][] = []
  const onCluster = (event: string, run: (of: Worker, info?: unknown) => void) => {
    const listener = (of: Worker, info?: unknown) => {
      if (of === worker) run(of, info)
    }
    cluster.on(event, listener as never)
    ofCluster.push([event, listener as never])
  }
  const stateOf = (of: Worker) => (of as unknown as { state: string }).state
  for (const event of ['fork', 'online', 'disconnect'])
    onCluster(event, (of) => log(`cluster: ${event}`, stateOf(of)))
  onCluster('listening', (of, info) => log('cluster: listening', stateOf(of), info))
  onCluster('exit', (of, code) => log('cluster: exit', stateOf(of), code))
  for (const event of ['online', 'disconnect'])
    worker.on(event, () => log(`worker: ${event}`, stateOf(worker)))
  worker.on('listening', (info) => log('worker: listening', info))
  worker.on('exit', (code, signal) =>
    log('worker: exit', code, signal, worker.exitedAfterDisconnect),
  )
  const listening = queueOf(worker, 'listening', ({ port }: AddressInfo) => port)
  const message = queueOf(worker, 'message', (said: unknown) => said)
  const gone = new Promise((resolve) => {
    cluster.once('exit', function onExit(of) {
      if (of === worker) resolve(undefined)
      else cluster.once('exit', onExit)
    })
  })
  await scene.primary({ worker, log, listening, message })
  await gone
  if (worker.isConnected()) await once(worker, 'disconnect')
  while (Object.keys(cluster.workers ?? {}).length > 0) await once(cluster, 'exit')
  for (const [event, listener] of ofCluster) cluster.off(event, listener as never)
  const written = lines.map((line) => JSON.stringify(line))
  return scene.isUnordered ? written.sort() : written
}

/** Waits for each event once; the event may have come before the call. */
function queueOf<Of, T>(worker: Worker, event: string, pick: (of: Of) => T): () => Promise<T> {
  const come: T[] = []
  const asked: ((value: T) => void)[] = []
  worker.on(event, (of: Of) => {
    const next = asked.shift()
    if (next) next(pick(of))
    else come.push(pick(of))
  })
  return () =>
    new Promise((resolve) => {
      if (come.length > 0) resolve(come.shift() as T)
      else asked.push(resolve)
    })
}

/** Ports differ from run to run. */
function withoutPort(part: unknown): unknown {
  if (part === SHARED_PORT) return 'the shared port'
  if (typeof part !== 'object' || part === null || !('port' in part)) return part
  const { port } = part
  const known = port === SHARED_PORT ? 'the shared port' : Number(port) > 0 ? 'a port' : port
  return { ...part, port: known }
}
