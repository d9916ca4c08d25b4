import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAllocator } from './allocator/allocator.js'
import { claimPort } from './api/claim/claim-port.js'
import { removeLeftBehind } from './clean.js'
import { ownRange, temporaryFolder } from './own-slices.test-support.js'
import { hostIdentity } from './platform/host.js'
import { journalPath, lockPath } from './slice/lock-directory.js'

const ELSEWHERE = `${hostIdentity().split('/')[0]}/net:[1]`
/** s */
const MINUTE = 60
const DAY = 24 * 60 * MINUTE

interface Left {
  host?: string
  /** How long ago its last sign of life was, in s. */
  age?: number
  lines?: object[]
  lock?: boolean
}

/** A lock directory with what a dead holder of one slice left. */
async function setUp({ host = hostIdentity(), age = MINUTE, lines = [], lock = true }: Left = {}) {
  const [first] = await ownRange()
  const lockDirectory = temporaryFolder()
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
  }
  const then = Date.now() / 1000 - age
  const journal = journalPath(lockDirectory, first)
  writeFileSync(
    journal,
    [lease, { event: 'take', port: first }, ...lines]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  )
  if (lock) {
    mkdirSync(lockPath(lockDirectory, first))
    utimesSync(lockPath(lockDirectory, first), then, then)
  }
  utimesSync(journal, then, then)
  return { first, lockDirectory, left: () => readdirSync(lockDirectory).sort() }
}

test('removes the journal, the lock, drafts and guards of a dead holder, and nothing else', async () => {
  const { first, lockDirectory, left } = await setUp()
  writeFileSync(`${journalPath(lockDirectory, first)}.new`, '')
  mkdirSync(path.join(lockDirectory, `slice-${first}.lock.12-34.breaking-1`))
  writeFileSync(path.join(lockDirectory, 'notes.txt'), 'mine')
  writeFileSync(path.join(lockDirectory, `slice-${first}.txt`), 'mine')
  const files = [
    `slice-${first}.lock`,
    `slice-${first}.lock.12-34.breaking-1`,
    `slice-${first}.ndjson`,
    `slice-${first}.ndjson.new`,
  ]
  const before = left()
  const found = [{ first, last: first + 31, files }]
  expect(await removeLeftBehind({ lockDirectory, dryRun: true })).toEqual(found)
  expect(left()).toEqual(before)
  expect(await removeLeftBehind({ lockDirectory })).toEqual(found)
  expect(left()).toEqual(['notes.txt', `slice-${first}.txt`])
  expect(await removeLeftBehind({ lockDirectory })).toEqual([])
})

test('leaves alone what is held, also by somebody whose lock was lost', async () => {
  const range = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using allocator = await createAllocator({ range, lockDirectory })
  await allocator.take()
  const journal = journalPath(lockDirectory, range[0])
  utimesSync(journal, 0, 0)
  utimesSync(lockPath(lockDirectory, range[0]), 0, 0)
  expect(await removeLeftBehind({ lockDirectory })).toMatchObject([
    { first: range[0], kept: 'held' },
  ])
  expect(existsSync(journal)).toBe(true)
})

test('leaves ports in quarantine alone until it has ended', async () => {
  const { lockDirectory, left } = await setUp({ age: 0 })
  const before = left()
  const [kept] = await removeLeftBehind({ lockDirectory })
  expect(kept).toMatchObject({ kept: 'quarantined' })
  expect(Date.parse(kept?.until ?? '')).toBeGreaterThan(Date.now())
  expect(left()).toEqual(before)
})

test('a journal that tells who leaked a port stays while something listens there', async () => {
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
    (await removeLeftBehind({ lockDirectory })).filter((found) => found.first === first)
  expect(await ofSlice()).toMatchObject([{ kept: 'leaked' }])
  server.close()
  await once(server, 'close')
  const [removed] = await ofSlice()
  expect(removed).not.toHaveProperty('kept')
  expect(existsSync(journalPath(lockDirectory, first))).toBe(false)
})

test.each([
  ['may live', { host: ELSEWHERE, age: MINUTE }, 'elsewhere'],
  ['has been silent for a day', { host: ELSEWHERE, age: DAY + MINUTE }, undefined],
  ['ended in good order', { host: ELSEWHERE, lines: [{ event: 'end' }], lock: false }, undefined],
])('a holder of another network namespace that %s', async (_, left: Left, kept) => {
  const { lockDirectory } = await setUp(left)
  const [found] = await removeLeftBehind({ lockDirectory })
  expect(found?.kept).toBe(kept)
  expect(readdirSync(lockDirectory).length).toBe(kept ? 2 : 0)
})

test('a lock of which nobody knows whose it is stays while it is fresh', async () => {
  const [first] = await ownRange()
  const lockDirectory = temporaryFolder()
  const lock = lockPath(lockDirectory, first)
  mkdirSync(lock)
  expect(await removeLeftBehind({ lockDirectory })).toMatchObject([{ first, kept: 'locked' }])
  utimesSync(lock, 1, 1)
  expect(await removeLeftBehind({ lockDirectory })).toMatchObject([
    { first, files: [path.basename(lock)] },
  ])
  expect(readdirSync(lockDirectory)).toEqual([])
})

test('notes of claims go when the claim is dead', async () => {
  const [port] = await ownRange(1, { first: 4000, last: 9999 })
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  vi.stubEnv('PORTSLICE_LOCK_DIR', lockDirectory)
  onTestFinished(() => void vi.unstubAllEnvs())
  const claim = await claimPort(port)
  const note = path.join(lockDirectory, `claim-${port}.json`)
  const text = readFileSync(note, 'utf8')
  expect(await removeLeftBehind()).toEqual([
    { first: port, last: port, files: [`claim-${port}.json`], kept: 'held' },
  ])
  await claim.release()
  writeFileSync(note, text.replaceAll(hostIdentity(), ELSEWHERE))
  expect(await removeLeftBehind()).toMatchObject([{ first: port, kept: 'elsewhere' }])
  writeFileSync(note, text)
  writeFileSync(`${note}.new`, 'torn')
  expect(await removeLeftBehind({ dryRun: true })).toHaveLength(1)
  expect(readdirSync(lockDirectory)).toHaveLength(2)
  await removeLeftBehind()
  expect(readdirSync(lockDirectory)).toEqual([])
})

test('a lock directory that is missing is not made, and one that is not ours to use is refused', async () => {
  const folder = temporaryFolder()
  const missing = path.join(folder, 'missing')
  expect(await removeLeftBehind({ lockDirectory: missing })).toEqual([])
  expect(existsSync(missing)).toBe(false)
  const link = path.join(folder, 'link')
  symlinkSync(temporaryFolder(), link)
  await expect(removeLeftBehind({ lockDirectory: link })).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_LOCK_DIRECTORY',
  })
})
