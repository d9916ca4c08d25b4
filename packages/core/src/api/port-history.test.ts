import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { hostIdentity } from '../platform/host.js'
import { journalPath } from '../slice/slice-paths.js'
import { claimPort } from './claim-port.js'
import { portHistory } from './port-history.js'
import { removeLeftovers } from './remove-leftovers.js'

async function setUp({ isMarked = true } = {}) {
  const range = await ownRange(1, { isMarked })
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const why = (port: number) => portHistory(port, { lockDirectory, range })
  const open = () => createAllocator({ lockDirectory, range })
  return { range, lockDirectory, why, open, first: range[0], last: range[1] }
}

async function listenOn(port: number): Promise<net.Server> {
  const server = net.createServer().listen(port)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

test('who has a port, and who had it in earlier leases', async () => {
  const { why, open, first } = await setUp()
  for (const label of ['one', 'two']) {
    await using allocator = await open()
    const lease = await allocator.take({ label, prefer: first })
    await lease.release()
  }
  await using allocator = await open()
  await allocator.take({ label: 'three', prefer: first })
  const history = await why(first)
  expect(history).toMatchObject({
    port: first,
    slice: { first, state: 'held', holder: { pid: process.pid } },
    state: 'out',
    label: 'three',
    listening: false,
    uses: [
      { holder: { pid: process.pid }, label: 'three', end: 'out' },
      { label: 'two', end: 'released', until: expect.any(String) },
      { label: 'one', end: 'released' },
    ],
  })
  expect(history.uses).toHaveLength(3)
  expect(history.notHandedOut).toBeUndefined()
})

test('keeps the first takes of a holder with many', async () => {
  const { why, open, first } = await setUp()
  await using allocator = await open()
  await (await allocator.take({ label: 'first of all', prefer: first })).release()
  for (let i = 0; i < 250; i++) {
    const lease = await allocator.take({ label: `${'x'.repeat(100)} ${i}`, prefer: first + 1 })
    await lease.release()
  }
  expect((await why(first)).uses.map(({ label }) => label)).toContain('first of all')
})

test('a leaked port: its label, and the process that has it', async () => {
  const { why, open, first } = await setUp()
  await using allocator = await open()
  const lease = await allocator.take({ label: 'cart > pays', prefer: first })
  const server = await listenOn(lease.port)
  await lease.release()
  expect(await why(first)).toMatchObject({
    state: 'leaked',
    label: 'cart > pays',
    listening: true,
    ...(process.platform === 'linux' && { processes: [{ pid: process.pid }] }),
    uses: [{ end: 'leaked' }],
  })
  server.close()
  await once(server, 'close')
  expect(await why(first)).toMatchObject({ state: 'free', uses: [{ end: 'leaked' }] })
})

test('a sentinel, a foreign program, a free port, and one outside the range', async () => {
  const { why, open, first, last, lockDirectory } = await setUp()
  await listenOn(first + 5)
  expect(await why(first)).toMatchObject({ state: 'free', slice: { state: 'free' }, uses: [] })
  await using _ = await open()
  expect(await why(last)).toMatchObject({
    state: 'sentinel',
    slice: { holder: { pid: process.pid } },
    notHandedOut: { reason: 'sentinel' },
  })
  expect(await why(first + 5)).toMatchObject({ state: 'foreign', listening: true })
  expect(await portHistory(5432, { lockDirectory })).toMatchObject({
    notHandedOut: {
      reason: 'avoided',
      text: 'It is the default port of PostgreSQL, so it is never handed out.',
    },
  })
  const range = [40_000, 40_063] as const
  expect(await portHistory(first, { lockDirectory, range })).toMatchObject({
    notHandedOut: { reason: 'range', text: expect.stringContaining('40000-40063') },
  })
})

test('a slice whose journal is elsewhere', async () => {
  const { open, first, range } = await setUp()
  await using _ = await open()
  const lockDirectory = path.join(temporaryFolder(), 'other')
  expect(await portHistory(first, { lockDirectory, range })).toMatchObject({
    state: 'unknown',
    slice: {
      state: 'held',
      ...(process.platform === 'linux' && { processes: [{ pid: process.pid }] }),
    },
  })
})

test('a claim, while it lasts and afterwards', async () => {
  const { lockDirectory, first, range } = await setUp({ isMarked: false })
  process.env.PORTSLICE_LOCK_DIR = lockDirectory
  onTestFinished(() => void delete process.env.PORTSLICE_LOCK_DIR)
  const claim = await claimPort(first)
  expect(await portHistory(first, { range })).toMatchObject({
    state: 'claimed',
    claim: { pid: process.pid },
    slice: { state: 'free' },
  })
  await claim.release()
  expect(await portHistory(first, { range })).toMatchObject({
    state: 'free',
    uses: [{ claimer: { pid: process.pid }, end: 'released' }],
  })
  const sentinel = await claimPort(range[1])
  expect(await portHistory(first, { range })).toMatchObject({
    state: 'free',
    slice: { state: 'claimed' },
  })
  await sentinel.release()
})

test('a quarantined port of a dead holder', async () => {
  const { lockDirectory, why, open, first } = await setUp()
  const allocator = await open()
  await allocator.close()
  const now = new Date().toISOString()
  const lease = (host: string) => ({
    ...{ v: 1, event: 'lease', pid: 1, host, runner: 'unit', workerId: 1, cwd: '/', command: 'x' },
    ...{ projectRoot: '/', at: now },
  })
  const take = { event: 'take', port: first, label: 'orphan', at: now }
  const write = (...lines: object[]) =>
    writeFileSync(
      journalPath(lockDirectory, first),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    )
  write(lease(hostIdentity()), take)
  expect(await why(first)).toMatchObject({
    state: 'quarantined',
    label: 'orphan',
    until: expect.any(String),
    slice: { state: 'abandoned', holder: { pid: 1 } },
    uses: [{ label: 'orphan', end: 'died' }],
  })
})

test('clean removes the history', async () => {
  const { lockDirectory, open } = await setUp()
  for (let i = 0; i < 2; i++) {
    await using allocator = await open()
    await (await allocator.take()).release()
  }
  expect(readdirSync(lockDirectory)).toContainEqual(expect.stringMatching(/\.history$/))
  await removeLeftovers({ lockDirectory })
  expect(readdirSync(lockDirectory)).toEqual([])
})

test.each([[0], [65_536], ['20003'], [undefined]])('refuses %j', async (port) => {
  await expect(portHistory(port as number)).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
  })
})
