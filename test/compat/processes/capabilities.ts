/** One thing that portslice can do, named by the first argument. Exits with 0 if it worked. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { startApp } from '@portslice/app-server'
import {
  claimPort,
  claimPorts,
  createAllocator,
  listen,
  listSlices,
  namedPort,
  PortsliceError,
  releasePort,
  takePort,
} from '@portslice/core'

async function serve(port: number): Promise<net.Server> {
  const server = net.createServer().listen(port)
  await once(server, 'listening')
  return server
}

async function close(server: net.Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

const CAPABILITIES: Record<string, () => Promise<void>> = {
  'take and release': async () => {
    const port = await takePort()
    await close(await serve(port))
    assert.deepEqual(await releasePort(port), { leaked: false })
  },
  'a leak is seen': async () => {
    const port = await takePort()
    const server = await serve(port)
    assert.deepEqual(await releasePort(port), { leaked: true })
    await close(server)
  },
  'the same port for a key': async () => {
    await using allocator = await createAllocator()
    const first = await allocator.take({ key: 'web' })
    await first.release()
    assert.equal((await allocator.take({ key: 'web' })).port, first.port)
  },
  'more ports than a slice has': async () => {
    await using allocator = await createAllocator()
    const ports = (await allocator.takeMany(40)).map(({ port }) => port)
    assert.equal(new Set(ports).size, 40)
  },
  'consecutive ports': async () => {
    await using allocator = await createAllocator()
    const [first, ...others] = (await allocator.takeBlock(3)).map(({ port }) => port)
    assert.deepEqual(
      others,
      [1, 2].map((offset) => (first as number) + offset),
    )
  },
  releaseWhenClosed: async () => {
    await using allocator = await createAllocator()
    const lease = await allocator.take({ releaseWhenClosed: true })
    const server = await serve(lease.port)
    await lease.untilListening()
    await close(server)
  },
  'claimPort, and its time-out': async () => {
    const port = await takePort()
    await releasePort(port)
    await using claim = await claimPort(port)
    await assert.rejects(claimPort(claim.port, { timeout: 100 }), {
      code: 'ERR_PORTSLICE_CLAIM_TIMEOUT',
    })
  },
  claimPorts: async () => {
    await using allocator = await createAllocator()
    const ports = (await allocator.takeBlock(2)).map(({ port }) => port)
    await allocator.close()
    const claims = await claimPorts(ports)
    assert.deepEqual(
      claims.map(({ port }) => port),
      ports,
    )
  },
  namedPort: async () => {
    assert.equal(await namedPort('web'), await namedPort('web'))
  },
  listen: async () => {
    const server = net.createServer()
    const lease = await listen(server)
    assert.equal((server.address() as net.AddressInfo).port, lease.port)
    server.close()
  },
  listSlices: async () => {
    await using allocator = await createAllocator()
    const first = allocator.slices[0]?.first
    assert.ok((await listSlices()).some((slice) => slice.first === first))
  },
  'errors with a code': async () => {
    const error = await takePort({ nope: 1 } as never).catch((reason: unknown) => reason)
    assert.ok(error instanceof PortsliceError)
    assert.equal(error.code, 'ERR_PORTSLICE_OPTION_INVALID')
  },
  'a port in a worker thread': async () => {
    const port = await takePort()
    const worker = new Worker(new URL(import.meta.url), { argv: ['in the thread'] })
    const [taken] = await once(worker, 'message')
    assert.ok(taken > 0 && taken !== port)
    await worker.terminate()
  },
  startApp: async () => {
    await using app = await startApp({ command: process.env.APP as string, ready: '/' })
    // Not `fetch`, which connects to nothing under Wine.
    const [answer] = await once(http.get(app.url), 'response')
    assert.equal(await text(answer), 'here')
  },
}

const [, , name] = process.argv as [string, string, string]
if (name === 'in the thread') {
  const { parentPort } = await import('node:worker_threads')
  parentPort?.postMessage(await takePort())
} else {
  await CAPABILITIES[name]?.()
  process.exit(name in CAPABILITIES ? 0 : 1)
}
