/** Ports of another host, which a database leases. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createAllocator, listSlices, portHistory } from '@portslice/core'
import { loadCoordinator } from '@portslice/core/coordinator'
import { afterAll, describe, expect, test } from 'vitest'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { CountingProxy } from '../support/counting-proxy.ts'
import {
  type DatabaseServer,
  PostgresServer,
  RedisServer,
  whyNoRedis,
} from '../support/database-server.ts'
import { runNode, startNode } from '../support/process.ts'

/** An address of this machine that does not mean each machine itself. */
const HOST = '127.0.0.2'
const TIMEOUT_MS = 120_000

interface Engine {
  name: string
  why: string | undefined
  start(): Promise<DatabaseServer>
}

const ENGINES: Engine[] = [
  { name: 'PostgreSQL', why: undefined, start: () => PostgresServer.start() },
  { name: 'Redis', why: whyNoRedis(), start: () => RedisServer.start() },
]

describe.each(ENGINES)('$name', ({ why, start }) => {
  if (why !== undefined) {
    test.skip(`ports of another host (${why})`, () => {})
    return
  }
  let started: Promise<DatabaseServer> | undefined
  /** A server without earlier holders, for which the first process would wait. */
  const startNew = async () => {
    const server = await start()
    await server.markAsNew(HOST)
    return server
  }
  const serverOf = () => {
    started ??= startNew()
    return started
  }
  afterAll(async () => (await started)?.[Symbol.asyncDispose]())

  const optionsOn = (server: DatabaseServer, first: number, slices = 1) => ({
    host: HOST,
    coordinator: server.url,
    range: [first, first + 32 * slices - 1] as const,
    waitTimeout: 3000,
  })

  test('gives two processes different ports, and lists them', { timeout: TIMEOUT_MS }, async () => {
    const server = await serverOf()
    const options = optionsOn(server, 20_000, 4)
    await using one = await AllocatorProcess.start()
    await using other = await AllocatorProcess.start()
    const [a, b] = await Promise.all([one.open(options), other.open(options)])
    expect(new Set([...a.slices, ...b.slices]).size).toBe(2)
    const ports = (await Promise.all([one.take(20), other.take(20)])).flat()
    expect(new Set(ports).size).toBe(40)
    const listed = await listSlices({ host: HOST, coordinator: server.url })
    const out = listed.flatMap(({ ports }) => ports.map(({ port, state }) => `${state} ${port}`))
    expect(out.sort()).toEqual(ports.map((port) => `out ${port}`).sort())
    expect(listed.map(({ holder }) => holder?.pid).sort()).toEqual([one.pid, other.pid].sort())
    await Promise.all([one.end(), other.end()])
  })

  test('gives allocators of one process different slices', { timeout: TIMEOUT_MS }, async () => {
    const options = optionsOn(await serverOf(), 21_024, 8)
    await using holder = await AllocatorProcess.start()
    const { slices } = await holder.open(options, { count: 8 })
    expect(new Set(slices).size).toBe(8)
  })

  test('a take in a held slice is one round trip', { timeout: TIMEOUT_MS }, async () => {
    const server = await serverOf()
    await using proxy = await CountingProxy.start(server)
    const coordinator = proxy.through(server.url)
    await using holder = await AllocatorProcess.start()
    await holder.open({ ...optionsOn(server, 22_016), coordinator })
    await holder.take(1)
    const before = proxy.roundTrips
    await holder.take(20)
    const { roundTrips } = proxy
    // Heartbeats and renewals come as well, once in some seconds.
    expect(roundTrips - before).toBeGreaterThanOrEqual(20)
    expect(roundTrips - before).toBeLessThan(25)
  })

  test('a process that ends while a heartbeat has no answer yet has released its port', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const server = await serverOf()
    await using proxy = await CountingProxy.start(server)
    const options = { ...optionsOn(server, 23_008), coordinator: proxy.through(server.url) }
    const script = fileURLToPath(new URL('processes/release-last.ts', import.meta.url))
    await using holder = startNode([script, JSON.stringify(options)])
    const port = await holder.hear<number>()
    proxy.delayMs = 500
    await proxy.nextRequest()
    holder.tell('release')
    expect(await holder.ended).toMatchObject({ status: 0, stderr: '' })
    const { uses } = await portHistory(port, { host: HOST, coordinator: server.url })
    expect(uses).toMatchObject([{ end: 'released' }])
  })
})

test('without a coordinator none of its code is loaded', async () => {
  const script = fileURLToPath(new URL('processes/list-loaded-files.ts', import.meta.url))
  const loadedWith = async (options: object) => {
    const { stdout } = await runNode([script, JSON.stringify(options)])
    const { files } = JSON.parse(stdout) as { files: string[] }
    return files.map((file) => readFileSync(file, 'utf8'))
  }
  const isCoordinators = (text: string) => text.includes('.holdSlice(')
  // The test would see it.
  const coordinator = 'redis://127.0.0.1:1'
  expect((await loadedWith({ host: HOST, coordinator })).filter(isCoordinators)).not.toEqual([])
  const without = await loadedWith({})
  expect(without.filter(isCoordinators)).toEqual([])
  // The entry, and the chunk that it shares with the other entries.
  expect(without).toHaveLength(2)
})

test('names the package that a coordinator needs', async () => {
  await expect(loadCoordinator('mysql://db')).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_COORDINATOR',
  })
})

test('a host needs a coordinator', async () => {
  await expect(createAllocator({ host: 'docker.ci.internal' })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
    problem: expect.stringContaining('kernel of this machine cannot tell'),
  })
})
