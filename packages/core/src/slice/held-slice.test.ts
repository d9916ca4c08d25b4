import dgram from 'node:dgram'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import lockfile from 'proper-lockfile'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { HeldSlice, type SliceHolder } from './held-slice.js'
import { type JournalLease, readJournal } from './journal.js'
import { JournalWriter } from './journal-writer.js'
import { sentinelOf } from './layout.js'
import { journalPath, lockedPath, lockPath } from './lock-directory.js'
import { folderIdentity } from './lock-folder.js'

const HERE = 'this boot/net:[1]'
const ELSEWHERE = 'this boot/net:[2]'

function holder(lockDirectory: string, host = HERE): SliceHolder {
  return {
    lockDirectory,
    identity: { pid: process.pid, host, runner: 'unit', workerId: 1, cwd: '/', command: 'test' },
    onTrouble: () => {},
    canWait: () => false,
  }
}

async function setUp() {
  const folder = path.join(temporaryFolder(), 'locks')
  const [slice] = await ownRange()
  const take = async (from = holder(folder)) => {
    const held = await HeldSlice.take(slice, from)
    onTestFinished(async () => held?.giveBack())
    return held
  }
  return { folder, slice, take, lock: lockPath(folder, slice), journal: journalPath(folder, slice) }
}

/** What a dead holder leaves: a lock that nobody refreshes, and a journal. */
function leaveBehind(folder: string, slice: number, host: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(lockPath(folder, slice))
  const lease: JournalLease = { ...holder(folder, host).identity, at: new Date().toISOString() }
  const journal = new JournalWriter({
    path: journalPath(folder, slice),
    head: { lease, quarantined: new Map(), keys: [] },
    prepare: () => {},
    onTrouble: () => {},
  })
  journal.startAnew()
  journal.take(slice + 3, { label: 'orphan', key: 'k' })
  journal.close()
}

/** As its maker writes it down: in the line of the lease. */
function noteLock(journal: string, lock: Record<string, unknown>): void {
  const [lease, ...others] = readFileSync(journal, 'utf8').split('\n')
  const noted = JSON.stringify({ ...JSON.parse(lease as string), lock })
  writeFileSync(journal, [noted, ...others].join('\n'))
}

test('a slice is held by one, then by the next', async () => {
  const { slice, take, lock, journal } = await setUp()
  const first = await take()
  expect(first).toMatchObject({ first: slice, last: slice + 31 })
  expect(existsSync(lock)).toBe(true)
  expect(readJournal(journal)?.lease).toMatchObject({ pid: process.pid, runner: 'unit' })
  expect(await take()).toBeUndefined()
  await first?.giveBack()
  expect(existsSync(lock)).toBe(false)
  expect(await take()).toBeDefined()
})

test('the sentinel decides: another lock directory does not help', async () => {
  const { take } = await setUp()
  await take()
  expect(await take(holder(path.join(temporaryFolder(), 'other')))).toBeUndefined()
})

test('a foreign UDP socket on the sentinel keeps the slice from being had, and only that', async () => {
  const { slice, take } = await setUp()
  const socket = dgram.createSocket('udp4')
  await new Promise<void>((resolve) => {
    socket.bind(sentinelOf(slice), '0.0.0.0', resolve)
  })
  expect(await take()).toBeUndefined()
  await new Promise<void>((resolve) => {
    socket.close(resolve)
  })
  expect(await take()).toBeDefined()
})

test('a lock left by a dead holder of this namespace is broken at once', async () => {
  const { folder, slice, take } = await setUp()
  leaveBehind(folder, slice, HERE)
  const held = await take()
  expect(held).toBeDefined()
  expect([...(held?.quarantined.values() ?? [])]).toMatchObject([{ port: slice + 3, key: 'k' }])
})

test('… but not one that somebody elsewhere made at the very moment of the death', async () => {
  const { folder, slice, lock, journal, take } = await setUp()
  leaveBehind(folder, slice, HERE)
  const theirs = { folder: folderIdentity(folder), lock: folderIdentity(lock) }
  rmSync(lock, { recursive: true })
  mkdirSync(lock)
  noteLock(journal, theirs)
  expect(await take()).toBeUndefined()
})

test('… and in a copy of the lock directory as well', async () => {
  const { folder, slice, lock, journal, take } = await setUp()
  leaveBehind(folder, slice, HERE)
  const there = { folder: `${folderIdentity(folder)}0`, lock: `${folderIdentity(lock)}0` }
  noteLock(journal, there)
  expect(await take()).toBeDefined()
})

test.each(['in the far past', 'in the future'])('… also when its time lies %s', async (when) => {
  const { folder, slice, take, lock } = await setUp()
  leaveBehind(folder, slice, HERE)
  const time = when === 'in the future' ? 4e9 : 1
  utimesSync(lock, time, time)
  expect(await take()).toBeDefined()
})

test('a lock from elsewhere is respected while it is fresh', async () => {
  const { folder, slice, take, lock } = await setUp()
  leaveBehind(folder, slice, ELSEWHERE)
  expect(await take()).toBeUndefined()
  const old = Date.now() / 1000 - 60
  utimesSync(lock, old, old)
  expect(await take()).toBeDefined()
})

test('a lock that is not the one of the journal is respected: its holder has yet to write', async () => {
  const { slice, take, lock } = await setUp()
  const held = await take()
  held?.journal.take(slice + 1, {})
  await held?.giveBack()
  mkdirSync(lock) // Somebody elsewhere has just made it.
  expect(await take()).toBeUndefined()
})

test("a lock that has become somebody else's is theirs to remove", async () => {
  const { take, lock } = await setUp()
  const held = await take()
  rmSync(lock, { recursive: true })
  mkdirSync(lock)
  await held?.giveBack()
  expect(existsSync(lock)).toBe(true)
})

test("nothing is written through what lies in the place of the journal's draft", async () => {
  const { folder, take, journal } = await setUp()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const precious = path.join(folder, 'precious')
  writeFileSync(precious, 'kept')
  symlinkSync(precious, `${journal}.new`)
  expect(await take()).toBeDefined()
  expect(readFileSync(precious, 'utf8')).toBe('kept')
  expect(readJournal(journal)?.lease).toBeDefined()
})

test('proper-lockfile elsewhere sees the slice as locked', async () => {
  const { folder, slice, take } = await setUp()
  await take()
  expect(await lockfile.check(lockedPath(folder, slice), { realpath: false })).toBe(true)
})

test('the journal is dated as long as ports are out: their quarantine counts from the death', async () => {
  const { take, journal } = await setUp()
  const held = await take()
  held?.journal.take((held?.first ?? 0) + 5, {})
  const longAgo = Date.now() / 1000 - 600
  utimesSync(journal, longAgo, longAgo) // A worker that took its port ten minutes ago.
  // With the lock, that is every five seconds.
  await vi.waitFor(
    () => expect(readJournal(journal)?.changedAt).toBeGreaterThan(Date.now() - 60_000),
    { timeout: 15_000, interval: 100 },
  )
})

test('the journal of somebody elsewhere who has the lock now is left alone', async () => {
  const { folder, slice, take, lock, journal } = await setUp()
  const held = await take()
  rmSync(lock, { recursive: true })
  rmSync(journal)
  leaveBehind(folder, slice, ELSEWHERE)
  held?.journal.take(slice + 5, {})
  expect(readJournal(journal)?.lease?.host).toBe(ELSEWHERE)
})

test('a quarantine that has not ended is handed on to the next holder, and the next', async () => {
  const { folder, slice, take } = await setUp()
  leaveBehind(folder, slice, HERE)
  const first = await take()
  const until = first?.quarantined.get(slice + 3)?.until
  await first?.giveBack()
  const second = await take()
  expect(second?.quarantined.get(slice + 3)?.until).toBe(until)
})

test.each(['a file', 'a folder with something in it'])(
  '%s in the place of a lock keeps nobody out when it is stale',
  async (what) => {
    const { folder, take, lock } = await setUp()
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (what === 'a file') {
      writeFileSync(lock, '')
    } else {
      mkdirSync(lock)
      writeFileSync(path.join(lock, 'note'), '')
    }
    expect(await take()).toBeUndefined()
    utimesSync(lock, 1, 1)
    expect(await take()).toBeDefined()
  },
)

test('what stands in the place of a lock is no obstacle when it is ours', async () => {
  const { folder, slice, take, lock, journal } = await setUp()
  leaveBehind(folder, slice, HERE)
  writeFileSync(path.join(lock, 'note'), 'edited by hand')
  const now = Date.now() / 1000 + 1
  utimesSync(journal, now, now)
  expect(await take()).toBeDefined()
})

test('a lost lock is taken again, and the journal written again, without a word', async () => {
  const { folder, take, lock, journal } = await setUp()
  const held = await take()
  held?.journal.take((held?.first ?? 0) + 5, { label: 'kept' })
  renameSync(folder, `${folder}-moved`)
  // proper-lockfile looks after its lock every five seconds.
  await vi.waitFor(
    () => {
      expect(existsSync(lock)).toBe(true)
      expect(readFileSync(journal, 'utf8')).toContain('"kept"')
    },
    { timeout: 15_000, interval: 100 },
  )
})
