import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { claimPort } from '../api/claim-port.js'
import { listSlices } from '../api/list.js'
import type { AllocatorOptions } from '../options/options.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { AVOIDED_PORTS } from '../slice/avoided-ports.js'
import { journalPath } from '../slice/slice-paths.js'
import { readSliceRecord } from '../slice/slice-record.js'
import { createAllocator, type PortAllocator } from './allocator.js'

/** An allocator with slices that no other test uses, closed after the test. */
async function allocatorOf(slices: number, options: Omit<AllocatorOptions, 'lockDirectory'> = {}) {
  const range = await ownRange(slices)
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const all = { range, lockDirectory, waitTimeout: 300, ...options }
  const allocator = await createAllocator(all)
  onTestFinished(() => allocator.close())
  const usable = Array.from({ length: slices * 32 }, (_, i) => range[0] + i).filter(
    (port) => port % 32 !== 31 && !AVOIDED_PORTS.has(port),
  )
  return { allocator, usable, options: all, first: range[0] }
}

async function serve(port: number): Promise<net.Server> {
  const server = net.createServer().listen(port)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

const exhausted = expect.objectContaining({ code: 'ERR_PORTSLICE_RANGE_EXHAUSTED' })

describe('take', () => {
  test('hands out every port of a slice once, never the sentinel or an avoided port', async () => {
    const { allocator, usable } = await allocatorOf(1)
    const leases = await Promise.all(usable.map(() => allocator.take()))
    expect(leases.map(({ port }) => port).sort()).toEqual(usable)
    await expect(allocator.take()).rejects.toEqual(exhausted)
  })

  test('hands out a released port last', async () => {
    const { allocator, usable } = await allocatorOf(1)
    const first = await allocator.take()
    await first.release()
    const ports = []
    for (let i = 0; i < usable.length; i++) {
      const lease = await allocator.take()
      ports.push(lease.port)
      await lease.release()
    }
    expect(ports.at(-1)).toBe(first.port)
    expect(new Set(ports).size).toBe(usable.length)
  })

  test('hands out the same ports to the same worker, one run after the other', async () => {
    const { allocator, options } = await allocatorOf(3)
    const ports = (await allocator.takeMany(5)).map(({ port }) => port)
    await allocator.close()
    await using again = await createAllocator(options)
    expect((await again.takeMany(5)).map(({ port }) => port)).toEqual(ports)
  })

  test('leases another slice when one is used up, and no port twice', async () => {
    const { allocator, usable } = await allocatorOf(3)
    const leases = await allocator.takeMany(usable.length)
    expect(leases.map(({ port }) => port).sort((a, b) => a - b)).toEqual(usable)
    expect(allocator.slices).toHaveLength(3)
  })

  test('skips a port on which a program listens, and tries it again later', async () => {
    const { allocator, first, usable } = await allocatorOf(1)
    const server = await serve(first)
    const leases = await allocator.takeMany(usable.length - 1)
    expect(leases.map(({ port }) => port)).not.toContain(first)
    const waiting = allocator.take()
    server.close()
    expect((await waiting).port).toBe(first)
  })

  test('waits for a port to be released, first come, first served', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 10_000 })
    const leases = await allocator.takeMany(usable.length)
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (number) => {
      const lease = await allocator.take()
      order.push(number)
      return lease
    })
    await Promise.all(leases.slice(0, 3).map((lease) => lease.release()))
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  test('gives up when aborted, in the queue or at its head, and leaves nothing taken', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 10_000 })
    const leases = await allocator.takeMany(usable.length)
    const controllers = [new AbortController(), new AbortController()]
    const waiting = controllers.map(({ signal }) => allocator.take({ signal }))
    const settled = Promise.allSettled(waiting)
    controllers[1]?.abort(new Error('second'))
    await expect(waiting[1]).rejects.toThrow('second')
    controllers[0]?.abort(new Error('first'))
    await expect(waiting[0]).rejects.toThrow('first')
    await settled
    await leases[0]?.release()
    expect((await allocator.take()).port).toBe(leases[0]?.port)
    await expect(
      allocator.take({ signal: AbortSignal.abort(new Error('before')) }),
    ).rejects.toThrow('before')
  })

  test('in random order hands out the same ports in another order', async () => {
    const { allocator, usable } = await allocatorOf(1, { order: 'random' })
    const ports = (await allocator.takeMany(usable.length)).map(({ port }) => port)
    // The chance that a shuffled slice is in order is one in 31! ~ 10^33.
    expect(ports).not.toEqual(usable)
    expect(ports.sort()).toEqual(usable)
  })

  test('refuses options that it does not know', async () => {
    const { allocator } = await allocatorOf(1)
    await expect(allocator.take({ lable: 'api' } as never)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
      message: expect.stringContaining('lable'),
    })
  })
})

describe('gives back a slice that a failed request has leased', () => {
  const heldIn = async (range: readonly [number, number], lockDirectory: string) =>
    (await listSlices({ lockDirectory })).filter(
      ({ first, last, state }) => first >= range[0] && last <= range[1] && state === 'held',
    ).length

  test('when the take that needed it is aborted, or the allocator closed, meanwhile', async () => {
    const { allocator, options, usable } = await allocatorOf(2)
    await allocator.takeMany(usable.filter((port) => port < options.range[0] + 32).length)
    for (let turns = 0; turns < 40; turns++) {
      const controller = new AbortController()
      const taking = allocator.take({ signal: controller.signal })
      const outcome = taking.then(
        (lease) => lease.release(),
        () => {},
      )
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
      controller.abort()
      await outcome
      expect(await heldIn(options.range, options.lockDirectory)).toBe(allocator.slices.length)
    }
    const late = expect(allocator.takeMany(usable.length)).rejects.toBeDefined()
    await allocator.close()
    await late
    expect(await heldIn(options.range, options.lockDirectory)).toBe(0)
  })
})

describe('a key', () => {
  test('does not change the order: a released port is still handed out last', async () => {
    const { allocator } = await allocatorOf(1)
    const first = await allocator.take()
    await first.release()
    for (const key of ['a', 'b', 'c']) await (await allocator.take({ key })).release()
    expect((await allocator.take()).port).not.toBe(first.port)
  })

  test('that is out is shared at once, even while others wait', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 60_000 })
    const { port } = await allocator.take({ key: 'app' })
    await allocator.takeMany(usable.length - 1)
    const controller = new AbortController()
    const waiting = expect(allocator.take({ signal: controller.signal })).rejects.toBeDefined()
    expect((await allocator.take({ key: 'app' })).port).toBe(port)
    controller.abort()
    await waiting
  })

  test('of a block gets the same block while it is out, and after a crash', async () => {
    const { allocator, options } = await allocatorOf(1)
    await allocator.takeMany(3)
    const block = (await allocator.takeBlock(4, { key: 'app' })).map(({ port }) => port)
    expect((await allocator.takeBlock(4, { key: 'app' })).map(({ port }) => port)).toEqual(block)
    const journal = journalPath(options.lockDirectory, options.range[0])
    const left = readFileSync(journal)
    await allocator.close()
    writeFileSync(journal, left) // As if the holder had died instead.
    await using next = await createAllocator(options)
    await next.takeMany(10)
    expect((await next.takeBlock(4, { key: 'app' })).map(({ port }) => port)).toEqual(block)
  })

  test('with several leases stays out when one is released or the app closes', async () => {
    const { allocator } = await allocatorOf(1)
    const passing = await allocator.take({ key: 'app', releaseWhenClosed: true })
    const staying = await allocator.take({ key: 'app' })
    const server = await serve(passing.port)
    await new Promise((resolve) => setTimeout(resolve, 200)) // Time for the watch to see it.
    server.close()
    await once(server, 'close')
    await new Promise((resolve) => setTimeout(resolve, 300)) // … and to see it gone.
    const others = await allocator.takeMany(20)
    expect(others.map(({ port }) => port)).not.toContain(staying.port)
  })

  test('gets the same port as long as it is out', async () => {
    const { allocator } = await allocatorOf(1)
    const [one, two] = [await allocator.take({ key: 'app' }), await allocator.take({ key: 'app' })]
    expect(two.port).toBe(one.port)
    await one.release()
    const third = await allocator.take({ key: 'app' })
    expect(third.port).toBe(one.port)
    const others = await allocator.takeMany(5)
    expect(others.map(({ port }) => port)).not.toContain(one.port)
  })

  test('gets the same port after a restart', async () => {
    const { allocator, options } = await allocatorOf(2)
    const { port } = await allocator.take({ key: 'https://app.example/' })
    await allocator.close()
    await using again = await createAllocator(options)
    await again.takeMany(3)
    expect((await again.take({ key: 'https://app.example/' })).port).toBe(port)
  })
})

describe('many keys', () => {
  const KEYS = Array.from({ length: 12 }, (_, index) => `https://app-${index}.example/`)

  test('get their ports again after restarts, in any order', async () => {
    const { allocator, options } = await allocatorOf(1)
    const ports = new Map<string, number>()
    for (const key of KEYS) ports.set(key, (await allocator.take({ key })).port)
    await allocator.close()
    for (const keys of [KEYS.toReversed(), KEYS.toSorted(), KEYS]) {
      await using again = await createAllocator(options)
      await again.takeMany(5) // These avoid the last ports of keys as long as there are others.
      for (const key of keys) expect((await again.take({ key })).port).toBe(ports.get(key))
    }
  })

  test('do not keep other requests from a port that they prefer', async () => {
    const { allocator, usable } = await allocatorOf(1)
    for (const key of KEYS) await (await allocator.take({ key })).release()
    expect(await allocator.takeMany(usable.length)).toHaveLength(usable.length)
  })
})

describe('takeMany and takeBlock', () => {
  test('takeMany gives all or nothing', async () => {
    const { allocator, usable } = await allocatorOf(1)
    await expect(allocator.takeMany(usable.length + 1)).rejects.toEqual(exhausted)
    expect(await allocator.takeMany(usable.length)).toHaveLength(usable.length)
  })

  test('of two takeMany that do not both fit, one gets all its ports, the other none', async () => {
    const { allocator } = await allocatorOf(1)
    const outcomes = await Promise.allSettled([allocator.takeMany(20), allocator.takeMany(20)])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  test.each(['takeBlock', 'takeMany'] as const)(
    'serves a take at once while a %s waits',
    async (impossible) => {
      const { allocator, usable } = await allocatorOf(1, { waitTimeout: 5000 })
      const served: string[] = []
      await allocator.takeMany(usable.length - 5)
      const waiting = allocator[impossible](10).then(
        () => served.push(impossible),
        (error) => {
          served.push('refused')
          throw error
        },
      )
      const take = allocator.take().then(() => served.push('take'))
      await Promise.all([take, expect(waiting).rejects.toEqual(exhausted)])
      expect(served).toEqual(['take', 'refused'])
    },
  )

  test('takeMany applies the label, key and preference of each port', async () => {
    const { allocator, first } = await allocatorOf(1)
    const wanted = [{ label: 'api', key: 'a' }, { label: 'web', prefer: first + 20 }, {}]
    const leases = await allocator.takeMany(wanted)
    expect(leases.map(({ label }) => label)).toEqual(['api', 'web', undefined])
    expect(leases[1]?.port).toBe(first + 20)
    expect(new Set(leases.map(({ port }) => port)).size).toBe(3)
    expect((await allocator.take({ key: 'a' })).port).toBe(leases[0]?.port)
  })

  test('takeMany tries a preferred port again that it gave back while it waited', async () => {
    const { allocator, usable, first } = await allocatorOf(1, { waitTimeout: 5000 })
    const [elsewhere] = await ownRange()
    const others = await allocator.takeMany(usable.length - 1)
    const waiting = allocator.takeMany([{ prefer: elsewhere }, { prefer: [first] }, {}])
    const served = Promise.all(others.slice(0, 2).map((lease) => lease.release()))
    const [preferred] = await waiting
    await served
    expect(preferred?.port).toBe(elsewhere)
  })

  test.each([
    [[[]], 0],
    [[[{ label: 3 }]], 3],
    [[[{ signal: AbortSignal.timeout(1) }]], expect.any(AbortSignal)],
    [[[{}], { label: 'all' }], 'all'],
    [[new Set([{}])], expect.any(Set)],
  ])('takeMany refuses %j', async (args, value) => {
    const { allocator } = await allocatorOf(1)
    const take = allocator.takeMany as (...args: unknown[]) => Promise<unknown>
    await expect(take.apply(allocator, args)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
      value,
    })
  })

  test('serves two allocators in turn that each need more than their own slice', async () => {
    const { allocator: one, options } = await allocatorOf(2, { waitTimeout: 20_000 })
    const other = await createAllocator(options)
    onTestFinished(() => other.close())
    const serve = async (allocator: PortAllocator) => {
      const leases = await allocator.takeMany(40)
      await allocator.close()
      return leases.length
    }
    expect(await Promise.all([serve(one), serve(other)])).toEqual([40, 40])
  })

  test('takeBlock gives consecutive ports, around those that are out', async () => {
    const { allocator } = await allocatorOf(3)
    const block = (await allocator.takeBlock(10)).map(({ port }) => port)
    expect(block).toEqual(Array.from({ length: 10 }, (_, i) => (block[0] as number) + i))
    const next = (await allocator.takeBlock(15)).map(({ port }) => port)
    expect(next.filter((port) => block.includes(port))).toEqual([])
  })

  test('a block that fits nowhere leaves no extra slice leased', async () => {
    const { allocator, first } = await allocatorOf(2)
    await Promise.all([serve(first + 15), serve(first + 47)])
    await expect(allocator.takeBlock(31)).rejects.toEqual(exhausted)
    expect(allocator.slices).toHaveLength(1)
  })

  test.each([0, -1, 1.5, 32, Number.NaN, '3'])('takeBlock(%j) is refused', async (count) => {
    const { allocator } = await allocatorOf(1)
    await expect(allocator.takeBlock(count as number)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
      value: count,
    })
  })
})

describe('prefer', () => {
  test('gives the first of these ports that is available at once, else any', async () => {
    const { allocator, first, usable } = await allocatorOf(1)
    const [one, two] = [first + 20, first + 21]
    await serve(one)
    expect((await allocator.take({ prefer: [one, two] })).port).toBe(two)
    expect((await allocator.take({ prefer: two })).port).not.toBe(two)
    const preferred = new Set([first + 24, first + 25])
    const many = await allocator.takeMany(3, { prefer: preferred })
    expect(many.map(({ port }) => port).slice(0, 2)).toEqual([...preferred])
    expect(usable).toContain(many[2]?.port)
  })

  test('gives a port outside of the range as well, for one holder at a time', async () => {
    const { allocator, options } = await allocatorOf(1)
    const [elsewhere] = await ownRange()
    const lease = await allocator.take({ prefer: elsewhere })
    expect(lease.port).toBe(elsewhere)
    const other = await createAllocator({ ...options, range: await ownRange(1) })
    onTestFinished(() => other.close())
    expect((await other.take({ prefer: elsewhere })).port).not.toBe(elsewhere)
    await lease.release()
    expect((await other.take({ prefer: elsewhere })).port).toBe(elsewhere)
  })

  test('gives that port if it is available at once, from a slice or from outside of the range', async () => {
    const { allocator, first } = await allocatorOf(1)
    const [outside] = await ownRange()
    const inside = await allocator.take({ prefer: first + 7, label: 'inside' })
    const other = await allocator.take({ prefer: new Set([first + 7, outside]) })
    expect([inside.port, other.port]).toEqual([first + 7, outside])
    expect(other.label).toBeUndefined()
    await other.release()
    const again = await allocator.take({ prefer: outside })
    expect(again.port).toBe(outside)
  })

  test('else any other port; releases it when the allocator closes', async () => {
    const { allocator, usable } = await allocatorOf(1)
    const [outside] = await ownRange()
    const server = await serve(outside)
    expect(usable).toContain((await allocator.take({ prefer: outside })).port)
    server.close()
    await once(server, 'close')
    expect((await allocator.take({ prefer: [outside] })).port).toBe(outside)
    await allocator.close()
    await (await claimPort(outside, { timeout: 0 })).release()
  })

  test('also works with `key` and `releaseWhenClosed`', async () => {
    const { allocator } = await allocatorOf(1)
    const [outside] = await ownRange()
    const options = { prefer: outside, key: 'app', releaseWhenClosed: true }
    const [one, two] = [await allocator.take(options), await allocator.take({ key: 'app' })]
    expect([one.port, two.port]).toEqual([outside, outside])
    await two.release()
    const server = await serve(outside)
    await new Promise((resolve) => setTimeout(resolve, 300)) // Time for the watch to see it.
    server.close()
    await vi.waitFor(async () => (await claimPort(outside, { timeout: 0 })).release(), 5000)
  })

  test('a block ignores `prefer`', async () => {
    const { allocator, first } = await allocatorOf(1)
    expect(await allocator.takeBlock(2, { prefer: first + 9 })).toHaveLength(2)
  })

  test.each([0, 'web', 70_000, {}, [0], ['x'], [70_000]])('%j is refused', async (prefer) => {
    const { allocator } = await allocatorOf(1)
    await expect(allocator.take({ prefer: prefer as number })).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
    })
  })
})

describe('release', () => {
  test('does not block the event loop, even in a loop', async () => {
    const { allocator } = await allocatorOf(1)
    let turns = 0
    let next = setImmediate(function count() {
      turns++
      next = setImmediate(count)
    })
    for (let i = 0; i < 160; i++) await (await allocator.take()).release()
    clearImmediate(next)
    expect(turns).toBeGreaterThanOrEqual(9)
  })

  test('reports a leak, and keeps the port until it is closed', async () => {
    const { allocator, usable } = await allocatorOf(1)
    const lease = await allocator.take()
    const server = await serve(lease.port)
    expect(await lease.release()).toEqual({ leaked: true })
    expect(await lease.release()).toEqual({ leaked: true })
    const rest = await allocator.takeMany(usable.length - 1)
    expect(rest.map(({ port }) => port)).not.toContain(lease.port)
    server.close()
    expect((await allocator.take()).port).toBe(lease.port)
  })

  test('a connection that is still open is not a leak', async () => {
    const { allocator } = await allocatorOf(1)
    const lease = await allocator.take()
    const server = await serve(lease.port)
    const client = net.connect(lease.port)
    const [accepted] = (await once(server, 'connection')) as [net.Socket]
    server.close()
    expect(await lease.release()).toEqual({ leaked: false })
    client.destroy()
    accepted.destroy()
  })

  test('happens automatically with releaseWhenClosed, after the app has closed the port', async () => {
    const { allocator, options } = await allocatorOf(1)
    const lease = await allocator.take({ releaseWhenClosed: true })
    const journal = () =>
      readSliceRecord(journalPath(options.lockDirectory, lease.port & ~31))?.ports
    const server = await serve(lease.port)
    await lease.untilListening()
    expect(await lease.isListening()).toBe(true)
    // A port whose app has not listened yet is not given back.
    await vi.waitFor(() => expect(journal()).toHaveLength(1))
    await new Promise((resolve) => setTimeout(resolve, 500))
    server.close()
    await vi.waitFor(() => expect(journal()).toEqual([]), { timeout: 5000 })
  })

  test('with `await using` at the end of the block', async () => {
    const { allocator, usable } = await allocatorOf(1)
    for (let i = 0; i < usable.length * 2; i++) {
      await using lease = await allocator.take()
      expect(usable).toContain(lease.port)
    }
  })
})

test.each([{ timeout: Number.POSITIVE_INFINITY }, { timeout: -1 }, { signal: 1 }, null])(
  'untilListening(%j) is refused',
  async (options) => {
    const { allocator } = await allocatorOf(1)
    const lease = await allocator.take()
    await expect(lease.untilListening(options as never)).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
    })
  },
)

test('untilListening ends with an error that names port and label', async () => {
  const { allocator } = await allocatorOf(1)
  const lease = await allocator.take({ label: 'api' })
  await expect(lease.untilListening({ timeout: 30 })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_APP_START',
    message: expect.stringMatching(new RegExp(`${lease.port} \\("api"\\)`)),
  })
})

describe('failed requests', () => {
  test('a takeMany that failed watches no port for `releaseWhenClosed`', async () => {
    const { allocator, usable } = await allocatorOf(1)
    const many = allocator.takeMany(usable.length + 1, { releaseWhenClosed: true })
    await expect(many).rejects.toEqual(exhausted)
    const lease = await allocator.take()
    const server = await serve(lease.port)
    await new Promise((resolve) => setTimeout(resolve, 200)) // Time for a watch to see it.
    server.close()
    await once(server, 'close')
    await new Promise((resolve) => setTimeout(resolve, 400)) // … and to see it gone.
    const rest = await allocator.takeMany(usable.length - 1)
    expect(rest.map(({ port }) => port)).not.toContain(lease.port)
  })

  test('a key that is out is not shared once the allocator is closed', async () => {
    const { allocator } = await allocatorOf(1)
    await allocator.take({ key: 'app' })
    const closing = allocator.close()
    await expect(allocator.take({ key: 'app' })).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_CLOSED',
    })
    await closing
  })

  test('take gets its port beside a block that is not available', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 3000 })
    await allocator.takeMany(usable.length - 5)
    const block = expect(allocator.takeBlock(10)).rejects.toEqual(exhausted)
    const start = performance.now()
    await allocator.take()
    expect(performance.now() - start).toBeLessThan(1000)
    await block
  })

  test('a large request is not starved by small ones', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 20_000 })
    let isOver = false
    const loops = Array.from({ length: usable.length + 5 }, async () => {
      while (!isOver) {
        const lease = await allocator.take()
        await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10))
        await lease.release()
      }
    })
    const many = await allocator.takeMany(12)
    expect(many).toHaveLength(12)
    isOver = true
    await Promise.all(many.map((lease) => lease.release()))
    await Promise.all(loops)
  })
})

describe('close', () => {
  test('gives everything back, once', async () => {
    const { allocator, options, usable } = await allocatorOf(1)
    await allocator.takeMany(3)
    await Promise.all([allocator.close(), allocator.close()])
    expect(readdirSync(options.lockDirectory).filter((name) => name.endsWith('.lock'))).toEqual([])
    await expect(allocator.take()).rejects.toMatchObject({ code: 'ERR_PORTSLICE_CLOSED' })
    await using next = await createAllocator(options)
    expect(await next.takeMany(usable.length)).toHaveLength(usable.length)
  })

  test('ends requests that wait', async () => {
    const { allocator, usable } = await allocatorOf(1, { waitTimeout: 60_000 })
    await allocator.takeMany(usable.length)
    const waiting = allocator.take()
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'ERR_PORTSLICE_CLOSED' })
    await allocator.close()
    await outcome
  })
})

describe('when nothing is left', () => {
  test('the error says who holds the range', async () => {
    const { options } = await allocatorOf(1)
    await expect(createAllocator({ ...options, waitTimeout: 0 })).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_RANGE_EXHAUSTED',
      message: expect.stringMatching(new RegExp(`pid ${process.pid}, vitest worker \\d+ in`)),
    })
  })

  test('the error counts quarantined ports', async () => {
    const { allocator, options, usable } = await allocatorOf(1)
    await allocator.takeMany(usable.length)
    const journal = journalPath(options.lockDirectory, options.range[0])
    const left = readFileSync(journal)
    await allocator.close()
    writeFileSync(journal, left) // As if the holder had died instead.
    await using next = await createAllocator(options)
    await expect(next.take()).rejects.toThrow(
      new RegExp(`this process, 0 ports out, ${usable.length} quarantined`),
    )
  })

  test('a waiting request gets a slice that is given back', async () => {
    const { allocator, options } = await allocatorOf(1)
    const waiting = createAllocator({ ...options, waitTimeout: 10_000 })
    await allocator.close()
    await using next = await waiting
    expect(next.slices).toHaveLength(1)
  })
})

describe('the lock directory', () => {
  test('that is open to others is refused before a slice is taken', async () => {
    const folder = path.join(temporaryFolder(), 'open')
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    await expect(createAllocator({ lockDirectory: folder })).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_LOCK_DIRECTORY',
      value: folder,
    })
    expect(readdirSync(folder)).toEqual([])
  })

  test('that vanished and was created again is not refreshed after close()', async () => {
    const { allocator, options } = await allocatorOf(1)
    await allocator.take()
    rmSync(options.lockDirectory, { recursive: true })
    await allocator.take()
    const journal = journalPath(options.lockDirectory, allocator.slices[0]?.first as number)
    await vi.waitFor(() => expect(readSliceRecord(journal)?.ports).toHaveLength(2), 5000)
    await allocator.close()
    // Wait for longer than a refresh interval: an error in a timer would end the process.
    await new Promise((resolve) => setTimeout(resolve, 5500))
  })

  test('that vanishes does not stop a run, and is created again', async () => {
    const { allocator, options, usable } = await allocatorOf(2)
    rmSync(options.lockDirectory, { recursive: true })
    const leases = await allocator.takeMany(usable.length)
    expect(new Set(leases.map(({ port }) => port)).size).toBe(usable.length)
    const journal = journalPath(options.lockDirectory, allocator.slices[0]?.first as number)
    await vi.waitFor(() => expect(readSliceRecord(journal)?.ports.length).toBeGreaterThan(20), 5000)
  })
})
