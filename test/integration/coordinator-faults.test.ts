/** The ports of another host when processes, networks and the database fail. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AllocatorOptions,
  createAllocator,
  listSlices,
  type PortStatus,
} from '@portslice/core'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { AllocatorProcess, type Answer } from '../support/allocator-process.ts'
import { CountingProxy } from '../support/counting-proxy.ts'
import {
  type DatabaseServer,
  PostgresServer,
  RedisServer,
  type ServerOptions,
  whyNoRedis,
} from '../support/database-server.ts'
import { FakePooler } from '../support/fake-pooler.ts'
import { faketimeError, withFaketime } from '../support/faketime.ts'
import { overlaps } from '../support/intervals.ts'
import { NetworkNamespace } from '../support/namespaces.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'
import { TEST_ALL } from '../support/test-all.ts'

const TIMEOUT_MS = 300_000
/** Longer than the session of Redis and than the keepalive of PostgreSQL. */
const PAUSE_MS = 40_000
const RECOVERY_MS = 30_000

interface Engine {
  name: string
  why: string | undefined
  /** Whether a stopped process keeps what it has. */
  keepsWhileStopped: boolean
  start(options?: ServerOptions): Promise<DatabaseServer>
  /** The setting that limits the connections to this number. */
  limit: Readonly<Record<string, string>>
  /** Settings with which a crash loses as much as it may, or, for Redis, as little as it can. */
  crash: Readonly<Record<string, string>>
}

const ENGINES: Engine[] = [
  {
    name: 'PostgreSQL',
    why: undefined,
    keepsWhileStopped: true,
    start: (options) => PostgresServer.start(options),
    limit: { max_connections: '8', superuser_reserved_connections: '3', max_wal_senders: '0' },
    crash: { wal_writer_delay: '10s' },
  },
  {
    name: 'Redis',
    why: whyNoRedis(),
    keepsWhileStopped: false,
    start: (options) => RedisServer.start(options),
    limit: { maxclients: '5' },
    crash: { appendonly: 'yes', appendfsync: 'always' },
  },
]

let hosts = 10
/** Each row uses another host, so that rows can share a server. */
function nextHost(): string {
  return `127.0.1.${hosts++}`
}

function warningsAbout(answer: Answer): string[] {
  return answer.warnings.filter((each) => each.includes('coordinator'))
}

async function warnings(holder: AllocatorProcess): Promise<string[]> {
  return warningsAbout(await holder.command({ do: 'nothing' }))
}

async function untilAllPortsAreKept(holder: AllocatorProcess): Promise<void> {
  await vi.waitFor(
    async () =>
      expect((await warnings(holder)).at(-1)).toContain(
        'all ports of this process are still its own',
      ),
    { timeout: 20_000, interval: 200 },
  )
}

/** Earlier holders may still return. */
async function expectTooEarly(newcomer: AllocatorProcess, options: AllocatorOptions) {
  const { error } = await newcomer.try({ do: 'open', options })
  expect(error?.message).toContain('has just started')
}

async function portsOn(server: DatabaseServer, host: string): Promise<PortStatus[]> {
  const slices = await listSlices({ host, coordinator: server.url })
  return slices.flatMap(({ ports }) => ports)
}

describe.concurrent.each(ENGINES)('$name', (engine) => {
  const { why, keepsWhileStopped } = engine
  if (why !== undefined) {
    test.skip(`survives faults (${why})`, () => {})
    return
  }
  let shared: Promise<DatabaseServer> | undefined
  afterAll(async () => (await shared)?.[Symbol.asyncDispose]())

  const optionsOn = (server: DatabaseServer, host: string, slices = 1) => ({
    host,
    coordinator: server.url,
    range: [20_000, 20_000 + 32 * slices - 1] as const,
    waitTimeout: 1000,
  })

  /** The options of a row, on the server that rows share. */
  async function newHost(slices = 1) {
    shared ??= engine.start()
    const server = await shared
    const host = nextHost()
    await server.markAsNew(host)
    return { server, host, options: optionsOn(server, host, slices) }
  }

  test('SIGKILL: the ports are quarantined', { timeout: TIMEOUT_MS }, async () => {
    const { server, host, options } = await newHost()
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    const had = await holder.take(10)
    await holder.kill()
    await using heir = await AllocatorProcess.start()
    await heir.open({ ...options, waitTimeout: 30_000 })
    expect((await heir.take(20)).filter((port) => had.includes(port))).toEqual([])
    const quarantined = (await portsOn(server, host)).filter(({ state }) => state === 'quarantined')
    expect(quarantined.map(({ port }) => port)).toEqual(had.sort())
    await sleep(RECOVERY_MS)
    // 11 are left of 31.
    expect((await heir.take(11)).filter((port) => had.includes(port)).sort()).toEqual(had.sort())
  })

  const ends: [string, (holder: AllocatorProcess) => Promise<unknown>][] = [
    ['process.exit()', (holder) => holder.try({ do: 'exit' })],
    ['no work left', (holder) => holder.end()],
  ]
  test.each(ends)(
    'an end without a release (%s): the slice is free at once',
    async (_, end) => {
      const { server, host, options } = await newHost()
      await using holder = await AllocatorProcess.start()
      await holder.open(options)
      const had = await holder.take(10)
      await using heir = await AllocatorProcess.start()
      end(holder).catch(() => {})
      await holder.exited
      await heir.open(options)
      expect((await heir.take(20)).filter((port) => had.includes(port))).toEqual([])
      const quarantined = (await portsOn(server, host)).filter(
        ({ state }) => state === 'quarantined',
      )
      expect(quarantined.map(({ port }) => port)).toEqual(had.sort())
    },
    TIMEOUT_MS,
  )

  test.skipIf(!TEST_ALL)('SIGSTOP for 40 s', { timeout: TIMEOUT_MS }, async () => {
    const { options } = await newHost()
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    const had = await holder.take(10)
    await using heir = await AllocatorProcess.start()
    holder.signal('SIGSTOP')
    const paused = sleep(PAUSE_MS)
    const opening = await heir.try({
      do: 'open',
      options: { ...options, waitTimeout: PAUSE_MS - 5000 },
    })
    if (keepsWhileStopped) {
      expect(opening.error?.code).toBe('ERR_PORTSLICE_RANGE_EXHAUSTED')
    } else {
      expect(opening.error).toBeUndefined()
      expect((await heir.take(20)).filter((port) => had.includes(port))).toEqual([])
    }
    await paused
    holder.signal('SIGCONT')
    if (keepsWhileStopped) {
      expect(await holder.take(5)).toHaveLength(5)
      expect(await warnings(holder)).toEqual([])
      return
    }
    await vi.waitFor(
      async () => expect((await warnings(holder)).join()).toContain('are at risk: 30 s after'),
      { timeout: 20_000, interval: 500 },
    )
  })

  test.skipIf(!TEST_ALL)(
    'a blocked event loop loses nothing',
    { timeout: TIMEOUT_MS },
    async () => {
      const { options } = await newHost()
      await using holder = await AllocatorProcess.start()
      await holder.open(options)
      await holder.take(10)
      await using other = await AllocatorProcess.start()
      await holder.command({ do: 'block', ms: PAUSE_MS })
      const opening = await other.try({
        do: 'open',
        options: { ...options, waitTimeout: PAUSE_MS - 5000 },
      })
      expect(opening.error?.code).toBe('ERR_PORTSLICE_RANGE_EXHAUSTED')
      expect(await holder.take(5)).toHaveLength(5)
      expect(await warnings(holder)).toEqual([])
    },
  )

  test.runIf(TEST_ALL)(
    'one process at a time has a fixed port',
    { timeout: TIMEOUT_MS },
    async () => {
      const { host, server, options } = await newHost()
      const env = { PORTSLICE_HOST: host, PORTSLICE_COORDINATOR: server.url }
      await using one = await AllocatorProcess.start({ env })
      await using other = await AllocatorProcess.start({ env })
      await one.open(options)
      const [taken = 0] = await one.take(1)
      await one.command({ do: 'claim', port: 20_020, options: { timeout: 1000 } })
      const late = await other.try({ do: 'claim', port: 20_020, options: { timeout: 500 } })
      expect(late.error?.message).toContain(`is held by pid ${one.pid}`)
      const out = await other.try({ do: 'claim', port: taken, options: { timeout: 500 } })
      expect(out.error?.message).toContain(`is held by pid ${one.pid}`)
      // A port of another process's slice that is not out can be claimed, and is not handed out then.
      await other.command({ do: 'claim', port: 20_010, options: { timeout: 5000 } })
      const rest = await one.command({ do: 'take all' })
      expect(rest.ports).not.toContain(20_010)
      expect(rest.ports).not.toContain(20_020)
      expect(rest.ports).toHaveLength(28)
      const waiting = other.command({ do: 'claim', port: 20_020, options: { timeout: 20_000 } })
      await one.command({ do: 'release', ports: [20_020] })
      expect((await waiting).ports).toEqual([20_020])
    },
  )

  test('a port on which a program of the host listens is avoided', {
    timeout: TIMEOUT_MS,
  }, async ({ onTestFinished }) => {
    const { host, options } = await newHost()
    const program = createServer().listen(20_010, host)
    onTestFinished(() => void program.close())
    await once(program, 'listening')
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    // Some others may be in use on all addresses of this machine.
    expect(await holder.take(25)).not.toContain(20_010)
  })

  const kills = Number(process.env.KILLS ?? 60)
  test.runIf(TEST_ALL)(
    'no port is out twice while processes are killed',
    { timeout: TIMEOUT_MS + 2000 * kills },
    async () => {
      using directory = new TemporaryDirectory()
      // A killed process keeps its slice in Redis for up to 15 s.
      const slices = keepsWhileStopped ? 12 : 48
      const { options } = await newHost(slices)
      const all: AllocatorProcess[] = []
      let records = 0
      const start = async () => {
        const record = path.join(directory.path, `record-${++records}`)
        const process = await AllocatorProcess.start({ record })
        all.push(process)
        // Its apps bind all addresses, so each engine needs ports of its own.
        const first = engine.keepsWhileStopped ? 24_000 : 25_024
        const range = [first, first + 32 * slices - 1] as const
        await process.command({ do: 'churn', options: { ...options, range, waitTimeout: 60_000 } })
        return process
      }
      const running = await Promise.all([start(), start(), start(), start()])
      for (let i = 0; i < kills; i++) {
        await sleep(200 + Math.random() * 500)
        const index = i % running.length
        await running[index]?.kill()
        running[index] = await start()
      }
      await sleep(2000)
      await Promise.all(running.map((each) => each.kill()))
      const intervals = all.flatMap((each) => each.intervals())
      const found = overlaps(intervals)
      const counts = `${kills} kills, ${intervals.length} hand-outs, ${found.length} overlaps`
      process.stdout.write(`${engine.name}: ${counts}\n`)
      expect(intervals.length).toBeGreaterThan(20)
      expect(found).toEqual([])
    },
  )

  /** Asserts that an earlier holder keeps its ports, and that a newcomer waits until it has returned. */
  const expectKept = async (
    holder: AllocatorProcess,
    had: readonly number[],
    newcomer: AllocatorProcess,
    options: ReturnType<typeof optionsOn>,
  ) => {
    await expectTooEarly(newcomer, options)
    await vi.waitFor(
      async () => {
        const [lost, restored] = (await warnings(holder)).slice(-2)
        for (const port of had) expect(lost).toContain(String(port))
        expect(restored).toContain('all ports of this process are still its own')
      },
      { timeout: 20_000, interval: 200 },
    )
    await newcomer.open({ ...options, waitTimeout: RECOVERY_MS + 5000 })
    const { ports } = await newcomer.command({ do: 'take all' })
    expect(ports.length).toBeGreaterThan(0)
    expect(ports.filter((port) => had.includes(port))).toEqual([])
  }

  test.skipIf(!TEST_ALL)(
    'the data is removed while the server runs',
    { timeout: TIMEOUT_MS },
    async () => {
      await using server = await engine.start()
      const host = nextHost()
      await server.markAsNew(host)
      const options = optionsOn(server, host, 2)
      await using holder = await AllocatorProcess.start()
      await holder.open(options)
      const had = await holder.take(20)
      await using newcomer = await AllocatorProcess.start()
      await server.removeData()
      await expectKept(holder, had, newcomer, options)
      // Its ports are recorded again.
      await holder.kill()
      const ports = await portsOn(server, host)
      const left = ports.filter(({ port }) => had.includes(port)).map(({ state }) => state)
      expect(left).toHaveLength(20)
    },
  )

  test.skipIf(!TEST_ALL)(
    'a replica takes over that lacks the latest writes',
    { timeout: TIMEOUT_MS },
    async () => {
      await using server = await engine.start()
      const host = nextHost()
      await using replica = await server.startReplica()
      await server.markAsNew(host)
      await using proxy = await CountingProxy.start(server)
      const options = { ...optionsOn(server, host, 2), coordinator: proxy.through(server.url) }
      await using holder = await AllocatorProcess.start()
      await holder.open(options)
      const early = await holder.take(5)
      await vi.waitFor(async () => expect(await replica.countPortsOut(host)).toBe(5), {
        timeout: 20_000,
        interval: 100,
      })
      await replica.promote()
      const had = [...early, ...(await holder.take(5))]
      expect(await replica.countPortsOut(host)).toBe(5)
      await using newcomer = await AllocatorProcess.start()
      await server.stop()
      proxy.switchTo(replica)
      await expectKept(holder, had, newcomer, options)
    },
  )

  test.skipIf(!TEST_ALL)(
    'a holder that was away too long loses its ports, also if the server restarts',
    { timeout: TIMEOUT_MS },
    async () => {
      await using server = await engine.start({ settings: engine.crash })
      const host = nextHost()
      await server.markAsNew(host)
      const direct = optionsOn(server, host)
      await using proxy = await CountingProxy.start(server)
      await using proxyOfHeir = await CountingProxy.start(server)
      await using holder = await AllocatorProcess.start()
      await using heir = await AllocatorProcess.start()
      await holder.open({ ...direct, coordinator: proxy.through(server.url) })
      const had = await holder.take(10)
      proxy.switchTo(undefined)
      const coordinator = proxyOfHeir.through(server.url)
      await heir.open({ ...direct, coordinator, waitTimeout: 30_000 })
      await sleep(RECOVERY_MS)
      expect((await heir.command({ do: 'take all' })).ports).toEqual(expect.arrayContaining(had))
      // The last write survives too.
      await sleep(1000)
      proxyOfHeir.switchTo(undefined)
      await server.stop('SIGINT')
      await server.start()
      proxy.switchTo(server)
      await vi.waitFor(
        async () => {
          const told = (await warnings(holder)).at(-1)
          expect(told).toContain('other processes have got the ports')
          for (const port of had) expect(told).toContain(String(port))
        },
        { timeout: 20_000, interval: 200 },
      )
      proxyOfHeir.switchTo(server)
      await untilAllPortsAreKept(heir)
    },
  )

  const killServer = async (isRestored: boolean) => {
    await using server = await engine.start({ settings: engine.crash })
    const host = nextHost()
    await server.markAsNew(host)
    const options = optionsOn(server, host, 2)
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    const early = await holder.take(5)
    if (isRestored) {
      await server.stop('SIGINT')
      server.save()
      await server.start()
      await vi.waitFor(
        async () => expect((await warnings(holder)).join()).toContain('is restored'),
        { timeout: 20_000, interval: 200 },
      )
      // The snapshot says that these are out, and does not know the others.
      await holder.command({ do: 'release', ports: early })
    }
    const had = isRestored
      ? await vi.waitFor(() => holder.take(10), { timeout: 2 * RECOVERY_MS, interval: 500 })
      : early
    const before = (await warnings(holder)).length
    await server.stop()
    await vi.waitFor(async () => expect((await warnings(holder)).length).toBe(before + 1), {
      timeout: 20_000,
      interval: 200,
    })
    const lost = (await warnings(holder)).at(-1)
    for (const port of had) expect(lost).toContain(String(port))
    const refused = await holder.try({ do: 'take', count: 1 })
    expect(refused.error?.message).toContain('is lost')
    if (isRestored) server.restore()
    // Is there beforehand: the server is new for a short time only.
    await using newcomer = await AllocatorProcess.start()
    await server.start()
    await expectTooEarly(newcomer, options)
    await untilAllPortsAreKept(holder)
    await newcomer.open({ ...options, waitTimeout: RECOVERY_MS + 5000 })
    const ports = await newcomer.take(10)
    expect(ports.filter((port) => had.includes(port))).toEqual([])
    const out = (await portsOn(server, host)).filter(({ state }) => state === 'out')
    expect(out.map(({ port }) => port).sort()).toEqual([...ports, ...had].sort())
  }

  test('the server is killed and started again', { timeout: TIMEOUT_MS }, () => killServer(false))

  test.skipIf(!TEST_ALL)(
    'the server is restored from an older snapshot',
    { timeout: TIMEOUT_MS },
    () => killServer(true),
  )

  test.skipIf(faketimeError !== undefined)(
    'the clock of a client is wrong by a day',
    { timeout: TIMEOUT_MS },
    async () => {
      const { options } = await newHost()
      await using holder = await AllocatorProcess.start({ env: withFaketime({ FAKETIME: '+1d' }) })
      await holder.open(options)
      const had = await holder.take(10)
      await holder.kill()
      await using heir = await AllocatorProcess.start({ env: withFaketime({ FAKETIME: '-1d' }) })
      await heir.open({ ...options, waitTimeout: 30_000 })
      expect((await heir.take(20)).filter((port) => had.includes(port))).toEqual([])
    },
  )

  test.runIf(TEST_ALL)('the limit of connections is reached', { timeout: TIMEOUT_MS }, async () => {
    await using server = await engine.start({ settings: engine.limit })
    const host = nextHost()
    await server.markAsNew(host)
    const options = optionsOn(server, host, 20)
    const holders: AllocatorProcess[] = []
    let message: string | undefined
    while (message === undefined && holders.length < 12) {
      const holder = await AllocatorProcess.start()
      holders.push(holder)
      message = (await holder.try({ do: 'open', options })).error?.message
    }
    expect(message).toMatch(/Raise max_?(connections|clients) of the server/)
    const ports = await Promise.all(holders.slice(0, -1).map((holder) => holder.take(3)))
    expect(new Set(ports.flat()).size).toBe(3 * (holders.length - 1))
    await Promise.all(holders.map((holder) => holder.kill()))
  })

  const link = async (downMs: number) => {
    const network = await NetworkNamespace.make()
    if (typeof network === 'string') return network
    await using machine = network
    const name = `ps${process.pid % 10_000}${engine.name[0]}${downMs > 10_000 ? 'x' : 'y'}`
    const [outer, inner] = [`10.77.${hosts}.1`, `10.77.${hosts++}.2`]
    const pid = machine.by[1]?.match(/\d+/)?.[0] as string
    const ip = (...args: string[]) => execFileSync('ip', args)
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}i`)
    try {
      ip('link', 'set', `${name}i`, 'netns', pid)
      ip('addr', 'add', `${outer}/24`, 'dev', name)
      ip('link', 'set', name, 'up')
      const inside = (...args: string[]) =>
        execFileSync(machine.by[0] as string, [...machine.by.slice(1), 'ip', ...args])
      inside('addr', 'add', `${inner}/24`, 'dev', `${name}i`)
      inside('link', 'set', `${name}i`, 'up')
      await using server = await engine.start({ address: outer })
      await server.markAsNew(outer)
      const options = optionsOn(server, outer)
      await using holder = await AllocatorProcess.start({ by: machine.by })
      await using other = await AllocatorProcess.start()
      await holder.open(options)
      const had = await holder.take(10)
      inside('link', 'set', `${name}i`, 'down')
      if (downMs < 10_000) {
        await sleep(downMs)
        inside('link', 'set', `${name}i`, 'up')
        const ports = await holder.command({ do: 'take', count: 5 })
        expect(ports.ports).toHaveLength(5)
        const opening = await other.try({ do: 'open', options })
        expect(opening.error?.code).toBe('ERR_PORTSLICE_RANGE_EXHAUSTED')
        return undefined
      }
      // The holder learns of it before the server lets another process have the slice.
      await vi.waitFor(
        async () => expect((await warnings(holder)).join()).toContain('are at risk: 30 s after'),
        { timeout: 25_000, interval: 200 },
      )
      await other.open({ ...options, waitTimeout: 60_000 })
      expect((await other.take(20)).filter((port) => had.includes(port))).toEqual([])
      const refused = await holder.try({ do: 'take', count: 1 })
      expect(refused.error?.code).toBe('ERR_PORTSLICE_RANGE_EXHAUSTED')
      return undefined
    } finally {
      try {
        ip('link', 'del', name)
      } catch {
        // It has ended with the namespace.
      }
    }
  }

  test.skipIf(!TEST_ALL)(
    'the network is down for 5 s',
    { timeout: TIMEOUT_MS },
    async ({ skip }) => {
      const whyNotHere = await link(5000)
      if (whyNotHere !== undefined) skip(whyNotHere)
    },
  )

  test.skipIf(!TEST_ALL)(
    'the network is down for ever',
    { timeout: TIMEOUT_MS },
    async ({ skip }) => {
      const whyNotHere = await link(Number.POSITIVE_INFINITY)
      if (whyNotHere !== undefined) skip(whyNotHere)
    },
  )

  test('a row that another program has written', { timeout: TIMEOUT_MS }, async () => {
    const { server, host, options } = await newHost()
    if (server instanceof PostgresServer) {
      await using first = await AllocatorProcess.start()
      await first.open(options)
      await first.command({ do: 'close' })
      await server.query(
        `insert into portslice.ports (host, port, state, owner, holder, is_claim, label, since, died_at)
          values ($1, 20001, 'quarantined', gen_random_uuid(), '[1]', false, E'\\e[2J', 'infinity', 'infinity'),
            ($1, 20002, 'out', gen_random_uuid(), '"x"', true, null, '-infinity', null)`,
        [host],
      )
    } else {
      const redis = server as RedisServer
      const hash = `HSET {portslice:${host}}`
      await redis.send(`${hash} port:20001 "{\\"state\\":\\"quarantined\\",\\"died\\":1e300}"`)
      await redis.send(`${hash} port:20002 "{\\"state\\":\\"out\\",\\"owner\\":[]}"`)
      await redis.send(`${hash} port:20003 garbage x "[]" port:99999999 "{}" port: "{}"`)
      await redis.send(`${hash} slice:20000 "null" slice:y "{}"`)
    }
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    const ports = await holder.take(20)
    expect(ports).not.toContain(20_001)
    expect(ports).not.toContain(20_002)
    expect(await portsOn(server, host)).toContainEqual(
      expect.objectContaining({ port: 20_001, state: 'quarantined' }),
    )
  })
})

describe.concurrent('PostgreSQL', () => {
  const openOn = (url: string, first = 20_000) =>
    createAllocator({
      host: nextHost(),
      coordinator: url,
      range: [first, first + 31],
      waitTimeout: 1000,
    })

  const crash = { wal_writer_delay: '10s' }

  test.skipIf(!TEST_ALL)('one process of the server crashes', { timeout: TIMEOUT_MS }, async () => {
    await using server = await PostgresServer.start({ settings: crash })
    const host = nextHost()
    await server.markAsNew()
    const range = [20_000, 20_031] as const
    const options = { host, coordinator: server.url, range, waitTimeout: 1000 }
    await using holder = await AllocatorProcess.start()
    await holder.open(options)
    const had = await holder.take(10)
    await using newcomer = await AllocatorProcess.start()
    await server.crashOneProcess()
    await expectTooEarly(newcomer, options)
    await untilAllPortsAreKept(holder)
    await holder.kill()
    await newcomer.open({ ...options, waitTimeout: RECOVERY_MS + 5000 })
    expect((await newcomer.take(20)).filter((port) => had.includes(port))).toEqual([])
  })

  test.skipIf(!TEST_ALL)(
    'the database is dropped and created again',
    {
      timeout: TIMEOUT_MS,
    },
    async () => {
      await using server = await PostgresServer.start()
      await server.query('create database ci')
      const coordinator = server.url.replace(/postgres$/, 'ci')
      const range = [20_000, 20_063] as const
      const options = { host: nextHost(), coordinator, range, waitTimeout: RECOVERY_MS + 5000 }
      await using holder = await AllocatorProcess.start()
      await holder.open(options)
      const had = await holder.take(20)
      await using newcomer = await AllocatorProcess.start()
      await server.query('drop database ci with (force)')
      await server.query('create database ci')
      await expectTooEarly(newcomer, { ...options, waitTimeout: 1000 })
      await untilAllPortsAreKept(holder)
      await newcomer.open(options)
      const { ports } = await newcomer.command({ do: 'take all' })
      expect(ports.filter((port) => had.includes(port))).toEqual([])
    },
  )

  test('refuses a connection pooler', { timeout: TIMEOUT_MS }, async () => {
    await using server = await PostgresServer.start()
    await using pooler = await FakePooler.start(server)
    await expect(openOn(pooler.url)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_COORDINATOR',
      problem: expect.stringContaining('connection pooler'),
    })
  })

  test('creates its tables once, and refuses those of a newer version', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using server = await PostgresServer.start()
    const processes = await Promise.all(Array.from({ length: 5 }, () => AllocatorProcess.start()))
    const host = nextHost()
    const options = { host, coordinator: server.url, range: [20_000, 20_319] as const }
    const early = await Promise.all(
      processes.map((each) => each.try({ do: 'open', options: { ...options, waitTimeout: 0 } })),
    )
    // The server is new, so earlier holders may return to a database that was restored.
    for (const { error } of early) expect(error?.message).toContain('has just started')
    await server.markAsNew()
    const opened = await Promise.all(processes.map((each) => each.open(options)))
    expect(new Set(opened.flatMap(({ slices }) => slices)).size).toBe(5)
    await Promise.all(processes.map((each) => each.end()))
    await server.query('update portslice.server set version = 99')
    await expect(openOn(server.url)).rejects.toMatchObject({
      problem: expect.stringContaining('has tables of version 99'),
    })
  })

  test('works without the right to create tables', { timeout: TIMEOUT_MS }, async () => {
    await using server = await PostgresServer.start()
    await server.query('create role app login')
    const url = server.url.replace('ci@', 'app@')
    await expect(openOn(url)).rejects.toMatchObject({
      problem: expect.stringContaining('cannot be created'),
    })
    await server.markAsNew()
    await expect(openOn(url)).rejects.toMatchObject({
      advice: expect.stringContaining('GRANT USAGE ON SCHEMA portslice'),
    })
    await server.query('grant usage on schema portslice to app')
    await server.query(
      'grant select, insert, update, delete on all tables in schema portslice to app',
    )
    await using allocator = await openOn(url)
    expect((await allocator.takeMany(3)).length).toBe(3)
  })
})
