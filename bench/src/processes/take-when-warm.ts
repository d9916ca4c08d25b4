/** Takes and releases ports with one library after a warm-up, and sends the time per operation, in µs. */
import dgram from 'node:dgram'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import net from 'node:net'
import { readPlan } from 'portslice-test/support/script'
import { whenAllAreReady } from './when-all-are-ready.ts'

export interface WarmPlan {
  way: Way
  /** A free port. */
  given: number
  operations: number
}

export type Way = keyof typeof WAYS

const { way, given, operations } = readPlan<WarmPlan>()

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

/** Clears get-port's memory of its ports: otherwise it retries, and a given port counts as taken. */
async function getPortWith(options: { port?: number }) {
  const { default: getPort, clearLockedPorts } = await import('get-port')
  return () => {
    clearLockedPorts()
    return getPort(options)
  }
}

async function takeAndRelease() {
  const { createAllocator } = await import('@portslice/core')
  const allocator = await createAllocator()
  return async () => {
    const lease = await allocator.take()
    await lease.release()
  }
}

const WAYS = {
  portslice: takeAndRelease,
  async 'portslice, with its events subscribed'() {
    for (const event of ['take', 'release', 'skip-port']) subscribe(`portslice:${event}`, () => {})
    return takeAndRelease()
  },
  'get-port': () => getPortWith({}),
  'get-port, a given port': () => getPortWith({ port: given }),
  async portfinder() {
    const { getPortPromise } = await import('portfinder')
    return () => getPortPromise()
  },
  async 'detect-port'() {
    const { detectPort } = await import('detect-port')
    return () => detectPort()
  },
  async 'bare listen(0) and close'() {
    return () => listenAndClose(0)
  },
  async 'bare: UDP bind and listen, twice'() {
    return async () => {
      for (let time = 0; time < 2; time++) {
        await bindAndClose(given)
        await listenAndClose(given)
      }
    }
  },
} satisfies Record<string, () => Promise<() => Promise<unknown>>>

/** Enough for V8 to compile the hot code. */
const WARM_UP_FACTOR = 3

const operation = await WAYS[way]()
for (let done = 0; done < WARM_UP_FACTOR * operations; done++) await operation()

whenAllAreReady(async () => {
  const start = performance.now()
  for (let done = 0; done < operations; done++) await operation()
  return ((performance.now() - start) * 1000) / operations
})
