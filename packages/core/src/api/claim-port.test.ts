import { execFileSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { hostIdentity } from '../platform/host.js'
import { AVOIDED_PORTS } from '../slice/avoided-ports.js'
import { portsOf } from '../slice/layout.js'
import { hostCode } from '../slice/lock-token.js'
import { heldSlices } from '../slice/slice.js'
import { claimPort, claimPorts } from './claim-port.js'
import { releasePort } from './take-port.js'

let folder: string
/** A slice that no other test uses, so that its ports can be claimed. */
let range: readonly [number, number]
let port: number

beforeEach(async () => {
  folder = path.join(temporaryFolder(), 'locks')
  vi.stubEnv('PORTSLICE_LOCK_DIR', folder)
  range = await ownRange()
  port = range[0] + 4
  return () => vi.unstubAllEnvs()
})

/** The path of the note about the claim of `port`. */
const notePath = () => path.join(folder, 'claims', `${port}-${hostCode(hostIdentity())}.json`)

const refusal = (claiming: Promise<unknown>) =>
  claiming.then(
    () => expect.unreachable('The port could be claimed.'),
    (error) => error,
  )

async function listen(on: number): Promise<net.Server> {
  const server = net.createServer().listen(on)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

test('a port has one holder at a time, and waiting calls are served in order', async () => {
  const first = await claimPort(port)
  expect(first.port).toBe(port)
  const order: string[] = []
  const claim = async (name: string) => {
    const lease = await claimPort(port)
    order.push(name)
    return lease
  }
  const second = claim('second')
  const third = claim('third')
  expect(await refusal(claimPort(port, { timeout: 50 }))).toMatchObject({
    code: 'ERR_PORTSLICE_CLAIM_TIMEOUT',
    value: port,
  })
  expect(order).toEqual([])
  await first.release()
  await (await second).release()
  await (await third).release()
  expect(order).toEqual(['second', 'third'])
})

test('of a list, the first port that is free is claimed', async () => {
  const ports = [port, port + 1, port + 2]
  await using one = await claimPort(ports)
  await using other = await claimPort(ports)
  expect([one.port, other.port]).toEqual([port, port + 1])
  await listen(port + 2)
  expect(await refusal(claimPort(ports, { timeout: 0 }))).toMatchObject({ value: ports })
})

test('the error after the timeout names the process that has the port', async () => {
  await using _ = await claimPort(port)
  const { message } = await refusal(claimPort(port, { timeout: 20 }))
  expect(message).toContain(`port ${port} has been claimed by pid ${process.pid}`)
  expect(message).toContain(process.cwd())
})

test('waits for a port on which a program listens', async () => {
  const server = await listen(port)
  const { message } = await refusal(claimPort(port, { timeout: 20 }))
  expect(message).toContain(`port ${port} is in use by`)
  // Only Linux shows the process of a socket.
  if (process.platform === 'linux') expect(message).toContain(`pid ${process.pid}`)
  const claiming = claimPort(port)
  server.close()
  await using claim = await claiming
  expect(claim.port).toBe(port)
})

test('a UDP socket of a program that does not use portslice keeps the port as well', async () => {
  const socket = dgram.createSocket('udp4').bind(port)
  await once(socket, 'listening')
  const { message } = await refusal(claimPort(port, { timeout: 20 }))
  expect(message).toContain(`port ${port} is in use by`)
  socket.close()
  await using claim = await claimPort(port)
  expect(claim.port).toBe(port)
})

test('waits for a port of a slice that a worker has leased', async () => {
  const allocator = await createAllocator({ range })
  heldSlices().clear() // As if it were another process.
  const { message } = await refusal(claimPort(port, { timeout: 20 }))
  expect(message).toContain(`which is leased by pid ${process.pid}`)
  const claiming = claimPort(port)
  await allocator.close()
  await using claim = await claiming
  expect(claim.port).toBe(port)
})

test('a claimed port is not handed out by the slice that it lies in; the others are', async () => {
  await using _ = await claimPort(port)
  await using allocator = await createAllocator({ range, waitTimeout: 0 })
  const others = portsOf(range[0]).filter((each) => each !== port && !AVOIDED_PORTS.has(each))
  const leases = await allocator.takeMany(others.length)
  expect(leases.map((lease) => lease.port).toSorted()).toEqual(others)
  await expect(allocator.take()).rejects.toMatchObject({ code: 'ERR_PORTSLICE_RANGE_EXHAUSTED' })
})

test('a slice cannot be leased while its sentinel is claimed', async () => {
  range = await ownRange(1, { isMarked: false })
  const claim = await claimPort(range[1])
  await expect(createAllocator({ range, waitTimeout: 0 })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_RANGE_EXHAUSTED',
  })
  await claim.release()
  await using allocator = await createAllocator({ range, waitTimeout: 0 })
  expect(allocator.slices).toHaveLength(1)
  expect((await refusal(claimPort(range[1], { timeout: 0 }))).code).toBe(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
  )
})

test('isListening() sees the app, not the claim socket', async () => {
  const claim = await claimPort(port)
  expect(await claim.isListening()).toBe(false)
  const listening = claim.untilListening()
  await listen(port)
  await listening
  expect(await claim.isListening()).toBe(true)
  expect(await claim.release()).toEqual({ leaked: true })
  expect((await refusal(claimPort(port, { timeout: 0 }))).message).toContain('is in use by')
})

test('concurrent calls get different ports as long as some are available', async () => {
  const ports = [port, port + 1]
  const claims = await Promise.all([1, 2].map(() => claimPort(ports, { timeout: 0 })))
  expect(claims.map((claim) => claim.port).toSorted()).toEqual(ports)
  const late = await Promise.all([1, 2].map(() => refusal(claimPort(ports, { timeout: 30 }))))
  for (const { message } of late) expect(message).toContain(`claimed by pid ${process.pid}`)
  await Promise.all(claims.map((claim) => claim.release()))
})

test('a claim of the last port of a slice blocks the slice, and is named', async () => {
  range = await ownRange(1, { isMarked: false })
  await using _ = await claimPort(range[1])
  const { message } = await refusal(claimPort(range[0], { timeout: 20 }))
  expect(message).toContain(`while port ${range[1]} is claimed`)
  expect(message).toContain(`claimed by pid ${process.pid}`)
})

test('the note of a dead process is ignored', async () => {
  const lost = await claimPort(port)
  const note = notePath()
  const text = readFileSync(note, 'utf8').replace(`"pid":${process.pid}`, '"pid":4194304')
  await lost.release()
  writeFileSync(note, text)
  await listen(port)
  expect((await refusal(claimPort(port, { timeout: 0 }))).message).not.toContain('4194304')
})

test('a pipe in the place of a note is ignored, and does not block', async () => {
  const claim = await claimPort(port)
  const note = notePath()
  rmSync(note)
  execFileSync('mkfifo', [note])
  expect((await refusal(claimPort(port, { timeout: 0 }))).message).toContain('is in use by')
  await claim.release()
})

test('a note that cannot be removed does not block a claim', async () => {
  const claim = await claimPort(port)
  const note = notePath()
  rmSync(note)
  mkdirSync(note)
  expect(await claim.release()).toEqual({ leaked: false })
  await (await claimPort(port)).release()
})

test('the note names the claimer as long as the port is claimed', async () => {
  const note = notePath()
  const claim = await claimPort(port)
  expect(JSON.parse(readFileSync(note, 'utf8'))).toMatchObject({ v: 1, pid: process.pid })
  await claim.release()
  expect(existsSync(note)).toBe(false)
})

test('a port in a slice of this process is taken from that slice', async () => {
  await using allocator = await createAllocator({ range, waitTimeout: 0 })
  const claim = await claimPort(port, { timeout: 0 })
  expect(claim.port).toBe(port)
  const others = portsOf(range[0]).filter((each) => each !== port && !AVOIDED_PORTS.has(each))
  const leases = await allocator.takeMany(others.length)
  expect(leases.map((lease) => lease.port)).not.toContain(port)
  expect(await refusal(claimPort(port, { timeout: 0 }))).toMatchObject({
    code: 'ERR_PORTSLICE_CLAIM_TIMEOUT',
    message: expect.stringContaining('out in this process'),
  })
  await claim.release()
  expect((await allocator.take()).port).toBe(port)
})

test('a port that was claimed from a slice of this process stays claimed when the allocator closes', async () => {
  const allocator = await createAllocator({ range, waitTimeout: 0 })
  const claim = await claimPort(port, { timeout: 0 })
  await allocator.close()
  await expect(createAllocator({ range, waitTimeout: 0 })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_RANGE_EXHAUSTED',
  })
  await claim.release()
  await using _ = await createAllocator({ range, waitTimeout: 2000 })
})

test('claimPorts claims all or none, in any order', async () => {
  const [a, b, c] = [port, port + 1, port + 2]
  const first = await claimPorts([a, b])
  expect(first.map((claim) => claim.port)).toEqual([a, b])
  const second = claimPorts([c, a])
  const third = claimPorts(new Set([b, c]))
  expect((await refusal(claimPorts([a, c], { timeout: 30 }))).message).toContain(`port ${a}`)
  await Promise.all(first.map((claim) => claim.release()))
  // Either may be the first to have `c`.
  const release = async (claims: typeof first) => {
    for (const claim of claims) await claim.release()
  }
  await Promise.all([second.then(release), third.then(release)])
})

test('claimPorts finds the ports that fit together', async () => {
  const [a, b, c] = [port, port + 1, port + 2]
  await using _ = await claimPort(c)
  const claims = await claimPorts(
    [
      [a, b],
      [a, c],
    ],
    { timeout: 0 },
  )
  expect(claims.map((claim) => claim.port)).toEqual([b, a])
  await Promise.all(claims.map((claim) => claim.release()))
  for (const impossible of [
    [a, a],
    [
      [a, b],
      [a, b],
      [a, b],
    ],
    [],
  ]) {
    expect(await refusal(claimPorts(impossible))).toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
    })
  }
})

test('claimPorts of many lists tries each port once, and ends in time', async () => {
  const ports = portsOf(range[0])
    .filter((each) => !AVOIDED_PORTS.has(each))
    .slice(0, 9)
  for (const each of ports.slice(0, 3)) await claimPort(each)
  const start = performance.now()
  const groups = Array.from({ length: 7 }, () => ports)
  expect((await refusal(claimPorts(groups, { timeout: 300 }))).code).toBe(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
  )
  expect(performance.now() - start).toBeLessThan(8000)
  for (const each of ports.slice(0, 3)) await releasePort(each)
})

test('releasePort gives back a claimed port, once', async () => {
  await claimPort(new Set([port]))
  expect(await releasePort(port)).toEqual({ leaked: false })
  await expect(releasePort(port)).rejects.toMatchObject({ code: 'ERR_PORTSLICE_OPTION_INVALID' })
  const claim = await claimPort(port, { timeout: 0 })
  await claim.release()
  await expect(releasePort(port)).rejects.toMatchObject({ code: 'ERR_PORTSLICE_OPTION_INVALID' })
})

test('the port of a dead claimer, and of a dead holder of its slice, is quarantined', async () => {
  const claim = await claimPort(port)
  const text = readFileSync(notePath(), 'utf8')
  await claim.release()
  writeFileSync(notePath(), text) // As if the claimer had died instead.
  expect((await refusal(claimPort(port, { timeout: 0 }))).message).toContain('quarantined for 30 s')
  rmSync(notePath())

  const allocator = await createAllocator({ range })
  const journal = path.join(folder, `slice-${range[0]}.ndjson`)
  await allocator.take({ prefer: port })
  const left = readFileSync(journal)
  await allocator.close()
  writeFileSync(journal, left) // As if the holder had died instead.
  expect((await refusal(claimPort(port, { timeout: 0 }))).message).toContain('quarantined for 30 s')
  await (await claimPort(port + 1, { timeout: 0 })).release()
})

test('take leaves the port of a dead claimer alone, also if it dies during the lease', async () => {
  const claim = await claimPort(port)
  await using allocator = await createAllocator({ range, waitTimeout: 0 })
  const text = readFileSync(notePath(), 'utf8')
  await claim.release()
  writeFileSync(notePath(), text) // As if the claimer had died instead.
  const others = portsOf(range[0]).filter((each) => each !== port && !AVOIDED_PORTS.has(each))
  await allocator.takeMany(others.length)
  await expect(allocator.take()).rejects.toThrow('1 quarantined')
})

test('a note that was removed by hand is written again', async () => {
  const claim = await claimPort(port)
  rmSync(notePath())
  await vi.waitFor(() => expect(existsSync(notePath())).toBe(true), { timeout: 9000 })
  await claim.release()
})

test('a signal ends the wait, and the next call is served', async () => {
  const claim = await claimPort(port)
  const controller = new AbortController()
  const aborted = refusal(claimPort(port, { signal: controller.signal }))
  const next = claimPort(port)
  controller.abort(new Error('enough'))
  expect((await aborted).message).toBe('enough')
  await claim.release()
  await (await next).release()
  expect(await refusal(claimPort(port, { signal: AbortSignal.abort('before') }))).toBe('before')
})

test.each([0, 65_536, 1.5, '3000', [], [3000, -1], undefined])(
  '%j cannot be claimed',
  async (value) => {
    expect(await refusal(claimPort(value as number))).toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
      value,
    })
  },
)

test('claimPorts gives all ports in the order that they were asked for, or none', async () => {
  const wanted = [port + 3, new Set([port, port + 1]), port]
  const claims = await claimPorts(wanted)
  expect(claims.map((claim) => claim.port)).toEqual([port + 3, port + 1, port])
  expect(await refusal(claimPorts([port + 4, port], { timeout: 50 }))).toMatchObject({
    code: 'ERR_PORTSLICE_CLAIM_TIMEOUT',
    value: [port + 4, port],
  })
  // The port that the failed call could have claimed is free again.
  const spare = await claimPort(port + 4, { timeout: 1000 })
  await Promise.all([...claims, spare].map((claim) => claim.release()))
})

test('calls that want the same ports in opposite orders are served in turn', async () => {
  const ports = [port, port + 1, port + 2]
  const turn = async (wanted: number[]) => {
    const claims = await claimPorts(wanted, { timeout: 20_000 })
    await Promise.all(claims.map((claim) => claim.release()))
  }
  await Promise.all([ports, ports.toReversed(), ports, ports.toReversed()].map(turn))
})

test.each([[[]], [[1.5]], [[3000, 3000]], [3000], ['3000'], [[[]]]])(
  'claimPorts(%j) is refused',
  async (ports) => {
    expect(await refusal(claimPorts(ports as number[]))).toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
    })
  },
)

test('any iterable of ports can be given, and releasePort releases a claimed one', async () => {
  function* wish() {
    yield port
    yield port + 1
  }
  expect((await claimPort(wish())).port).toBe(port)
  expect((await claimPort(new Set([port, port + 1]))).port).toBe(port + 1)
  expect(await releasePort(port)).toEqual({ leaked: false })
  expect((await claimPort(port, { timeout: 1000 })).port).toBe(port)
  await Promise.all([releasePort(port), releasePort(port + 1)])
})

test('unknown and bad options are refused', async () => {
  expect(await refusal(claimPort(port, { timeout: -1 }))).toMatchObject({ value: -1 })
  expect(await refusal(claimPort(port, { wait: 5 } as object))).toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
  })
})
