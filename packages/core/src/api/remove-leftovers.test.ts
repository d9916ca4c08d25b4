import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { sleep } from '../platform/clock.js'
import { hostIdentity } from '../platform/host.js'
import { type KernelTime, kernelTime } from '../platform/kernel-time.js'
import { hostCode } from '../slice/lock-token.js'
import { journalPath, lockPath } from '../slice/slice-paths.js'
import { claimPort } from './claim-port.js'
import { removeLeftovers } from './remove-leftovers.js'

const ELSEWHERE = `${hostIdentity().split('/')[0]}/net:[1]`
const MINUTE_S = 60

interface Left {
  host?: string
  /** How long ago its death was discovered, in s. */
  age?: number
  lines?: object[]
  /** The answer of the liveness socket. If missing, the lock has no socket. */
  liveness?: 'accepted' | 'refused'
}

/** Creates a lock directory with the files of a dead holder. */
async function setUp({ host = hostIdentity(), age = MINUTE_S, lines = [], liveness }: Left = {}) {
  const [first] = await ownRange()
  const lockDirectory = temporaryFolder()
  const token = `${liveness === undefined ? 'f' : 's'}-${hostCode(host)}-1a-2b`
  const lease = {
    v: 1,
    event: 'lease',
    pid: 1,
    host,
    runner: 'unit',
    workerId: 1,
    cwd: '/',
    command: 'dead',
    at: new Date().toISOString(),
    lock: token,
  }
  const died = kernelTimeAgo(age)
  const journal = journalPath(lockDirectory, first)
  writeFileSync(
    journal,
    [lease, { event: 'quarantine', port: first, died }, ...lines]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  const lock = lockPath(lockDirectory, first)
  mkdirSync(lock, { mode: 0o1700 })
  if (liveness) await serveAt(path.join(lock, token), liveness === 'accepted')
  else writeFileSync(path.join(lock, token), '')
  return { first, lockDirectory, left: () => readdirSync(lockDirectory).sort() }
}

function kernelTimeAgo(seconds: number): KernelTime {
  const now = kernelTime()
  return {
    ...now,
    monotonic: (now.monotonic as number) - seconds * 1000,
    ...(now.uptime !== undefined && { uptime: now.uptime - seconds * 1000 }),
  }
}

test('removes the journal, the lock, the socket and drafts of a dead holder, and nothing else', async () => {
  const { first, lockDirectory, left } = await setUp()
  writeFileSync(`${journalPath(lockDirectory, first)}.new`, '')
  writeFileSync(`${lockPath(lockDirectory, first).replace('.lock', '.sock')}`, '')
  const draft = path.join(lockDirectory, `${first}.1a-2b.new`)
  mkdirSync(draft)
  writeFileSync(path.join(draft, `f-${hostCode(hostIdentity())}-1a-2b`), '')
  mkdirSync(path.join(lockDirectory, `${first}.1a-2b.old`))
  writeFileSync(path.join(lockDirectory, 'notes.txt'), 'mine')
  writeFileSync(path.join(lockDirectory, `slice-${first}.txt`), 'mine')
  const files = [
    `${first}.1a-2b.new`,
    `${first}.1a-2b.old`,
    `slice-${first}.lock`,
    `slice-${first}.ndjson`,
    `slice-${first}.ndjson.new`,
    `slice-${first}.sock`,
  ]
  const before = left()
  const found = [{ first, last: first + 31, files }]
  expect(await removeLeftovers({ lockDirectory, dryRun: true })).toEqual(found)
  expect(left()).toEqual(before)
  expect(await removeLeftovers({ lockDirectory })).toEqual(found)
  expect(left()).toEqual(['notes.txt', `slice-${first}.txt`])
  expect(await removeLeftovers({ lockDirectory })).toEqual([])
})

test('keeps what is held, also if the lock has an old date', async () => {
  const range = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using allocator = await createAllocator({ range, lockDirectory })
  await allocator.take()
  const journal = journalPath(lockDirectory, range[0])
  utimesSync(journal, 0, 0)
  utimesSync(lockPath(lockDirectory, range[0]), 0, 0)
  expect(await removeLeftovers({ lockDirectory })).toMatchObject([
    { first: range[0], kept: 'held' },
  ])
  expect(existsSync(journal)).toBe(true)
})

test('keeps the journal until the quarantine of its ports has ended', async () => {
  const { first, lockDirectory, left } = await setUp({ age: 0 })
  const [kept] = await removeLeftovers({ lockDirectory })
  expect(kept).toMatchObject({ kept: 'quarantined' })
  expect(Date.parse(kept?.until ?? '')).toBeGreaterThan(Date.now())
  expect(left()).toEqual([`slice-${first}.history`, `slice-${first}.ndjson`])
})

test('a journal that shows who leaked a port is kept while something listens there', async () => {
  const [first] = await ownRange()
  const { lockDirectory } = await setUp()
  const server = net.createServer().listen(first + 4, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  writeFileSync(
    journalPath(lockDirectory, first),
    `${JSON.stringify({ event: 'release', port: first + 4, leaked: true })}\n`,
  )
  const ofSlice = async () =>
    (await removeLeftovers({ lockDirectory })).filter((found) => found.first === first)
  expect(await ofSlice()).toMatchObject([{ kept: 'leaked' }])
  server.close()
  await once(server, 'close')
  const [removed] = await ofSlice()
  expect(removed).not.toHaveProperty('kept')
  expect(existsSync(journalPath(lockDirectory, first))).toBe(false)
})

test('keeps the draft of a lock that a process elsewhere may be creating', async () => {
  const { first, lockDirectory, left } = await setUp()
  const alive = path.join(lockDirectory, `${first}.1a-2c.new`)
  mkdirSync(alive)
  await serveAt(path.join(alive, `s-${hostCode(ELSEWHERE)}-1a-2c`), true)
  mkdirSync(path.join(lockDirectory, `${first}.1a-2d.new`)) // Its socket is not created yet.
  await removeLeftovers({ lockDirectory })
  expect(left()).toEqual([`${first}.1a-2c.new`, `${first}.1a-2d.new`])
})

test('a death that is discovered by cleaning starts the quarantine', async () => {
  const { first, lockDirectory } = await setUp({ lines: [], age: MINUTE_S })
  const [lease] = readFileSync(journalPath(lockDirectory, first), 'utf8').split('\n')
  const take = JSON.stringify({ event: 'take', port: first + 1 })
  writeFileSync(journalPath(lockDirectory, first), `${lease}\n${take}\n`)
  expect(await removeLeftovers({ lockDirectory })).toMatchObject([{ kept: 'quarantined' }])
  await sleep(50)
  const [again] = await removeLeftovers({ lockDirectory, dryRun: true })
  expect(Date.parse(again?.until ?? '') - Date.now()).toBeLessThan(29_990)
})

test('checks a holder in another network namespace: dead, alive, or watched for 10 s', async () => {
  const dead = await setUp({ host: ELSEWHERE, liveness: 'refused' })
  expect(await removeLeftovers({ lockDirectory: dead.lockDirectory })).toMatchObject([
    { first: dead.first },
  ])
  expect(dead.left()).toEqual([])

  const alive = await setUp({ host: ELSEWHERE, liveness: 'accepted' })
  expect(await removeLeftovers({ lockDirectory: alive.lockDirectory })).toMatchObject([
    { kept: 'held' },
  ])

  const unknown = await setUp({ host: ELSEWHERE })
  const { lockDirectory } = unknown
  const [kept] = await removeLeftovers({ lockDirectory, dryRun: true })
  expect(kept?.kept).toBe('elsewhere')
  const start = performance.now()
  const [removed] = await removeLeftovers({ lockDirectory })
  expect(removed).not.toHaveProperty('kept')
  expect(performance.now() - start).toBeGreaterThan(9_900)
  expect(unknown.left()).toEqual([])
})

/** @param stays whether the server continues to listen */
async function serveAt(socket: string, stays: boolean): Promise<void> {
  const draft = path.join(temporaryFolder(), 'draft')
  const server = net.createServer().listen(draft)
  await once(server, 'listening')
  renameSync(draft, socket)
  if (stays) onTestFinished(() => void server.close())
  else server.close()
}

test('keeps the lock of another program while the program refreshes it', async () => {
  const [first] = await ownRange()
  const lockDirectory = temporaryFolder()
  const lock = lockPath(lockDirectory, first)
  mkdirSync(lock)
  const refreshing = setInterval(() => utimesSync(lock, new Date(), new Date()), 1000)
  onTestFinished(() => clearInterval(refreshing))
  expect(await removeLeftovers({ lockDirectory })).toMatchObject([{ first, kept: 'locked' }])
})

test('removes notes of dead claims', async () => {
  const [port] = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  vi.stubEnv('PORTSLICE_LOCK_DIR', lockDirectory)
  onTestFinished(() => void vi.unstubAllEnvs())
  const claim = await claimPort(port)
  const note = path.join(lockDirectory, 'claims', `${port}-${hostCode(hostIdentity())}.json`)
  const text = readFileSync(note, 'utf8')
  expect(await removeLeftovers()).toEqual([
    { first: port, last: port, files: [`claims/${path.basename(note)}`], kept: 'held' },
  ])
  await claim.release()
  const foreign = path.join(path.dirname(note), `${port}-${hostCode(ELSEWHERE)}.json`)
  writeFileSync(foreign, text.replaceAll(hostIdentity(), ELSEWHERE))
  expect(await removeLeftovers()).toMatchObject([
    { first: port, files: [`slice-${port}.history`] },
    { first: port, kept: 'elsewhere' },
  ])
  rmSync(foreign)
  mkdirSync(path.dirname(note), { recursive: true })
  writeFileSync(note, text)
  // Its death has just been discovered.
  expect(await removeLeftovers()).toMatchObject([{ first: port, kept: 'quarantined' }])
  // A time that cannot be compared, such as one of another time namespace, counts as unknown.
  const unknown = { ...kernelTimeAgo(MINUTE_S), clock: 'another' }
  writeFileSync(note, JSON.stringify({ ...JSON.parse(text), died: unknown }))
  expect(await removeLeftovers()).toMatchObject([{ first: port, kept: 'quarantined' }])
  expect(JSON.parse(readFileSync(note, 'utf8')).died.clock).toBe(kernelTime().clock)
  const died = kernelTimeAgo(MINUTE_S)
  writeFileSync(note, JSON.stringify({ ...JSON.parse(text), died }))
  writeFileSync(`${note}.new`, 'torn')
  expect(await removeLeftovers({ dryRun: true })).toHaveLength(1)
  expect(readdirSync(path.dirname(note))).toHaveLength(2)
  await removeLeftovers()
  expect(readdirSync(lockDirectory)).toEqual([])
})

test('does not create a missing lock directory, and refuses an unsafe one', async () => {
  const folder = temporaryFolder()
  const missing = path.join(folder, 'missing')
  expect(await removeLeftovers({ lockDirectory: missing })).toEqual([])
  expect(existsSync(missing)).toBe(false)
  const link = path.join(folder, 'link')
  symlinkSync(temporaryFolder(), link)
  await expect(removeLeftovers({ lockDirectory: link })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_LOCK_DIRECTORY',
  })
})
