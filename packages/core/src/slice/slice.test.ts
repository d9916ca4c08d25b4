import dgram from 'node:dgram'
import {
  chmodSync,
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
import lockfile from 'proper-lockfile'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { type KernelTime, kernelTime } from '../platform/kernel-time.js'
import { exitTasks } from '../process-state.js'
import { sentinelOf } from './layout.js'
import type { LeaseContext } from './lease-context.js'
import { Lock } from './lock.js'
import { hostCode } from './lock-token.js'
import { heldSlices, Slice } from './slice.js'
import { journalPath, livenessPath, lockedPath, lockPath } from './slice-paths.js'
import { readSliceRecord } from './slice-record.js'

const HERE = 'this boot/net:[1]'
const OTHER_NAMESPACE = 'this boot/net:[2]'
const OTHER_KERNEL = 'another boot/net:[1]'

function contextOf(lockDirectory: string, host = HERE): LeaseContext {
  return {
    lockDirectory,
    holder: {
      pid: process.pid,
      host,
      runner: 'unit',
      workerId: 1,
      cwd: '/',
      projectRoot: '/shop',
      command: 'test',
    },
    onTrouble: () => {},
    hasAcquiredLock: false,
  }
}

/** @param own a slice that no other test uses; default: a free one */
async function setUp(own?: number) {
  const directory = path.join(temporaryFolder(), 'locks')
  const first = own ?? (await ownRange())[0]
  const lease = async (context = contextOf(directory)) => {
    const slice = await Slice.lease(first, context)
    onTestFinished(async () => slice?.giveBack())
    return slice
  }
  const take = async (slice: Slice | undefined, port: number, use = {}) =>
    expect(await slice?.tryTake(port, [use], () => true)).toBe(true)
  return {
    directory,
    first,
    lease,
    take,
    lock: lockPath(directory, first),
    journal: journalPath(directory, first),
    socket: livenessPath(directory, first),
  }
}

type Files = Awaited<ReturnType<typeof setUp>>

interface Left {
  host?: string
  lines?: object[]
  /** The answer of the liveness socket. */
  liveness?: 'accepted' | 'refused' | 'missing'
}

/** Creates the files of another holder, dead or alive: the lock with its socket, and the journal. */
async function leaveBehind(
  { directory, first, lock, journal }: Files,
  { host = HERE, liveness = 'refused', lines = [] }: Left = {},
): Promise<void> {
  mkdirSync(lock, { recursive: true, mode: 0o1700 })
  chmodSync(directory, 0o700)
  const token = `${liveness === 'missing' ? 'f' : 's'}-${hostCode(host)}-1a-2b`
  if (liveness === 'missing') {
    writeFileSync(path.join(lock, token), '')
  } else {
    const draft = path.join(directory, 'draft')
    const server = net.createServer().listen(draft)
    renameSync(draft, path.join(lock, token))
    if (liveness === 'refused') server.close()
    else onTestFinished(() => void server.close())
  }
  const { holder } = contextOf(directory, host)
  const lease = { v: 1, event: 'lease', ...holder, at: '2026-01-01T00:00:00Z', lock: token }
  const take = { event: 'take', port: first + 3, label: 'orphan', key: 'k' }
  const text = [lease, take, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('')
  writeFileSync(journal, text)
}

/** Longer than a lock must be watched, for a busy machine. */
const WATCH = { timeout: 25_000, interval: 200 }

describe('leasing a slice', () => {
  test('one process holds it, then the next', async () => {
    const { directory, first, lease, lock, journal, socket } = await setUp()
    const slice = await lease()
    expect(slice).toMatchObject({ first, last: first + 31 })
    expect(existsSync(lock)).toBe(true)
    expect(existsSync(socket)).toBe(true)
    expect(readSliceRecord(journal)?.lease).toMatchObject({ pid: process.pid, runner: 'unit' })
    expect(await lease()).toBeUndefined()
    await slice?.giveBack()
    expect(readdirSync(directory)).toEqual([path.basename(journal)])
    expect(await lease()).toBeDefined()
  })

  test('the sentinel decides: another lock directory does not help', async () => {
    const { lease } = await setUp()
    await lease()
    expect(await lease(contextOf(path.join(temporaryFolder(), 'other')))).toBeUndefined()
  })

  test('without a lock directory the sentinel alone holds it', async () => {
    const { lease, first, take } = await setUp()
    const context = { ...contextOf(''), lockDirectory: undefined }
    const slice = await lease(context)
    await take(slice, first + 1)
    expect(slice?.isOut(first + 1)).toBe(true)
    expect(await lease()).toBeUndefined()
  })

  test('a foreign UDP socket on the sentinel keeps it from being leased, and only that', async () => {
    const { first, lease } = await setUp()
    const socket = dgram.createSocket('udp4')
    await new Promise<void>((resolve) => {
      socket.bind(sentinelOf(first), '0.0.0.0', resolve)
    })
    expect(await lease()).toBeUndefined()
    await new Promise<void>((resolve) => {
      socket.close(resolve)
    })
    expect(await lease()).toBeDefined()
  })

  test('proper-lockfile elsewhere sees the slice as locked', async () => {
    const { directory, first, lease } = await setUp()
    await lease()
    expect(await lockfile.check(lockedPath(directory, first), { realpath: false })).toBe(true)
  })

  test('the liveness socket answers, and the socket of another holder is not removed', async () => {
    const { lease, socket } = await setUp()
    const slice = await lease()
    const connect = () =>
      new Promise<string>((resolve) => {
        const client = net.connect(socket, () => resolve('accepted'))
        client.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? ''))
        client.on('close', () => {})
      })
    expect(await connect()).toBe('accepted')
    // As if another holder had created its socket after the directory was emptied by hand.
    rmSync(socket)
    const theirs = net.createServer().listen(socket)
    onTestFinished(() => void theirs.close())
    await slice?.giveBack()
    expect(await connect()).toBe('accepted')
  })
})

describe("another holder's lock", () => {
  test('of this namespace is dead, because we hold the sentinel', async () => {
    for (const liveness of ['refused', 'missing'] as const) {
      const files = await setUp()
      await leaveBehind(files, { liveness })
      const slice = await files.lease()
      expect(slice?.quarantineLeftMs(files.first + 3)).toBeGreaterThan(25_000)
      expect(readdirSync(files.lock)).toHaveLength(1)
    }
  })

  test('of this namespace is dead with any time stamp, and also without a journal', async () => {
    for (const seconds of [1, 4e9]) {
      const files = await setUp()
      await leaveBehind(files)
      utimesSync(files.lock, seconds, seconds)
      rmSync(files.journal)
      expect(await files.lease()).toBeDefined()
    }
  })

  test('of another namespace is dead if its socket refuses, with any journal', async () => {
    const files = await setUp()
    await leaveBehind(files, { host: OTHER_NAMESPACE })
    rmSync(files.journal)
    expect(await files.lease()).toBeDefined()
  })

  test('whose owner was killed half-way is replaced at once', async () => {
    const files = await setUp()
    mkdirSync(files.lock, { recursive: true, mode: 0o1700 })
    chmodSync(files.directory, 0o700)
    expect(await files.lease()).toBeDefined()
  })

  test('is replaced by one of several that find it dead at once', async () => {
    const files = await setUp()
    await leaveBehind(files, { host: OTHER_NAMESPACE })
    const events = { refreshed() {}, lost() {} }
    const locks = Array.from(
      { length: 5 },
      () => new Lock(files.directory, files.first, HERE, events),
    )
    const installed = await Promise.allSettled(locks.map((lock) => lock.install()))
    onTestFinished(() => locks.forEach((lock) => void lock.releaseNow()))
    expect(installed.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(locks.filter((lock) => lock.isOurs())).toHaveLength(1)
  })

  /** Obstacles at the path of the lock, and how to create them. */
  const WATCHED: Record<string, (files: Files) => unknown> = {
    'whose socket is missing': (files) =>
      leaveBehind(files, { host: OTHER_NAMESPACE, liveness: 'missing' }),
    'of another kernel': (files) => leaveBehind(files, { host: OTHER_KERNEL }),
    'that is an empty directory': ({ lock }) => mkdirSync(lock),
    'that is a file': ({ lock }) => writeFileSync(lock, ''),
    'that is a dangling link': ({ lock }) => symlinkSync('nowhere', lock),
    'that is a directory with something else in it': ({ lock }) => {
      mkdirSync(lock)
      writeFileSync(path.join(lock, 'note'), '')
    },
  }

  test('that may be alive or dead is watched for 10 s, and then replaced', async () => {
    const cases = Object.entries(WATCHED)
    const [first] = await ownRange(cases.length)
    const outcomes = cases.map(async ([name, prepare], index) => {
      const files = await setUp(first + index * 32)
      mkdirSync(files.directory, { recursive: true, mode: 0o700 })
      await prepare(files)
      // An old time stamp proves nothing.
      if (name !== 'that is a dangling link') utimesSync(files.lock, 1, 1)
      const start = performance.now()
      expect(await files.lease(), name).toBeUndefined()
      await vi.waitFor(async () => expect(await files.lease(), name).toBeDefined(), WATCH)
      expect(performance.now() - start, name).toBeGreaterThan(9_500)
      expect(readdirSync(files.lock), name).toHaveLength(1)
    })
    await Promise.all(outcomes)
  })

  test('whose socket answers, or that is refreshed, is respected for longer', async () => {
    const [first] = await ownRange(2)
    const [answering, refreshed] = [await setUp(first), await setUp(first + 32)]
    await leaveBehind(answering, { host: OTHER_NAMESPACE, liveness: 'accepted' })
    utimesSync(answering.lock, 1, 1)
    await leaveBehind(refreshed, { host: OTHER_NAMESPACE, liveness: 'missing' })
    const end = performance.now() + 12_000
    for (let time = 1; performance.now() < end; time++) {
      utimesSync(refreshed.lock, time, time)
      expect(await answering.lease()).toBeUndefined()
      expect(await refreshed.lease()).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  })

  test('that replaced ours is left alone when we end', async () => {
    const { lease, lock } = await setUp()
    const slice = await lease()
    rmSync(lock, { recursive: true })
    mkdirSync(lock)
    await slice?.giveBack()
    expect(existsSync(lock)).toBe(true)
  })
})

describe('quarantine', () => {
  const portsOf = (journal: string) => readSliceRecord(journal)?.ports ?? []

  test('counts from the discovery of the death, not from the time stamps of the dead holder', async () => {
    for (const at of ['1970-01-01T00:00:00Z', '2099-01-01T00:00:00Z']) {
      const files = await setUp()
      await leaveBehind(files, { lines: [{ event: 'take', port: files.first + 4, at }] })
      utimesSync(files.journal, 1, 1)
      const slice = await files.lease()
      expect(slice?.quarantineLeftMs(files.first + 3)).toBeGreaterThan(29_000)
      expect(slice?.quarantineLeftMs(files.first + 4)).toBeGreaterThan(29_000)
    }
  })

  test('is passed on to the next holder with its remaining time', async () => {
    const files = await setUp()
    await leaveBehind(files)
    const one = await files.lease()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await one?.giveBack()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const other = await files.lease()
    expect(other?.quarantineLeftMs(files.first + 3)).toBeLessThan(29_500)
    expect(other?.quarantineLeftMs(files.first + 3)).toBeGreaterThan(25_000)
  })

  test('starts again once if another kernel has measured it', async () => {
    const files = await setUp()
    const died: KernelTime = { ...kernelTime(), clock: 'a kernel of before' }
    const line = { event: 'quarantine', port: files.first + 5, until: '1970-01-01T00:00:00Z', died }
    await leaveBehind(files, { lines: [line] })
    const slice = await files.lease()
    expect(slice?.quarantineLeftMs(files.first + 5)).toBeGreaterThan(29_000)
    const noted = portsOf(files.journal).find(({ port }) => port === files.first + 5)
    expect(noted?.died?.clock).toBe(kernelTime().clock)
    expect(portsOf(files.journal).map(({ port }) => port)).toEqual([
      files.first + 3,
      files.first + 5,
    ])
  })

  test('a holder that ended normally is dead since then', async () => {
    const files = await setUp()
    const slice = await files.lease()
    await files.take(slice, files.first + 6)
    await slice?.giveBack()
    const record = readSliceRecord(files.journal)
    expect(record?.ended?.monotonic).toBeGreaterThan(0)
    const next = await files.lease()
    expect(next?.quarantineLeftMs(files.first + 6)).toBeGreaterThan(25_000)
  })

  test('the same key gets its port back in the same project only', async () => {
    for (const [projectRoot, isSame] of [
      ['/shop', true],
      ['/other', false],
    ] as const) {
      const files = await setUp()
      await leaveBehind(files)
      const context = contextOf(files.directory)
      const slice = await files.lease({ ...context, holder: { ...context.holder, projectRoot } })
      const [port] = [...(slice?.candidates(['k'], 'sequential') ?? [])]
      expect(port === files.first + 3).toBe(isSame)
      expect([...(slice?.candidates([undefined], 'sequential') ?? [])]).not.toContain(
        files.first + 3,
      )
    }
  })
})

describe('giving back', () => {
  test('nothing is taken from a slice that is being given back', async () => {
    const { first, lease } = await setUp()
    const slice = (await lease()) as Slice
    const givingBack = slice.giveBack()
    expect(heldSlices().has(first)).toBe(false)
    expect(await slice.tryTake(first + 1, [{}], () => true)).toBe(false)
    await givingBack
  })

  test('nothing is taken if the slice is given back while a port is probed', async () => {
    const { first, lease } = await setUp()
    const slice = (await lease()) as Slice
    let givingBack: Promise<void> | undefined
    const isTaken = await slice.tryTake(first + 1, [{}], async () => {
      givingBack = slice.giveBack()
      return true
    })
    expect(isTaken).toBe(false)
    await givingBack
  })

  test('waits for a port that is out or being probed', async () => {
    const { first, lease } = await setUp()
    for (const isFree of [true, false]) {
      const slice = (await lease()) as Slice
      let leaving: Promise<void> | undefined
      const isTaken = await slice.tryTake(first + 1, [{}], async () => {
        leaving = slice.giveBackWhenUnused()
        return isFree
      })
      await leaving
      expect(isTaken).toBe(isFree)
      if (isTaken) {
        expect(await lease()).toBeUndefined()
        slice.release(first + 1, false)
      }
      await vi.waitFor(async () => {
        const next = await lease()
        expect(next).toBeDefined()
        await next?.giveBack()
      })
    }
  })

  test('an error in the middle of a lease leaves nothing held', async () => {
    const { directory, first, lease } = await setUp()
    mkdirSync(path.join(directory, `slice-${first}.ndjson`, 'in the way'), { recursive: true })
    chmodSync(directory, 0o700)
    mkdirSync(path.join(directory, `slice-${first}.sock`))
    const slice = await lease()
    expect(slice).toBeDefined()
    await slice?.giveBack()
    expect(await lease()).toBeDefined()
  })
})

describe('damaged files', () => {
  test('an obstacle that another process has just replaced by its lock counts as held', async () => {
    const files = await setUp()
    mkdirSync(files.lock, { recursive: true })
    chmodSync(files.directory, 0o700)
    const events = { refreshed() {}, lost() {} }
    const [one, other] = [1, 2].map(() => new Lock(files.directory, files.first, HERE, events))
    expect(await files.lease()).toBeUndefined()
    await vi.waitFor(async () => {
      const both = await Promise.allSettled([one?.install(), other?.install()])
      onTestFinished(() => [one, other].forEach((lock) => void lock?.releaseNow()))
      const refused = both.filter(({ status }) => status === 'rejected')
      expect(refused).toMatchObject([{ reason: { code: 'EEXIST' } }])
    }, WATCH)
  })

  test('a lock that was never acquired leaves what is at its path', async () => {
    const { directory, first, lock } = await setUp()
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(lock, 'of another program')
    const own = new Lock(directory, first, HERE, { refreshed() {}, lost() {} })
    expect(await own.acquire()).toBe(false)
    own.releaseNow()
    expect(readFileSync(lock, 'utf8')).toBe('of another program')
  })

  test('ports out at the end of the process are quarantined, also while the lock is lost', async () => {
    const { directory, first, lease, take, journal } = await setUp()
    const slice = await lease()
    rmSync(directory, { recursive: true })
    await take(slice, first + 1)
    for (const task of [...exitTasks().tasks]) task() // As at the end of the process.
    expect(readSliceRecord(journal)?.ports).toMatchObject([{ port: first + 1, state: 'out' }])
  })

  test('keeps the quarantine that another holder has recorded meanwhile', async () => {
    const { directory, first, lease, take, journal } = await setUp()
    const slice = await lease()
    await take(slice, first + 1)
    rmSync(directory, { recursive: true })
    mkdirSync(directory, { mode: 0o700 })
    const other = {
      v: 1,
      event: 'lease',
      ...contextOf('', OTHER_NAMESPACE).holder,
      at: '2026-01-01T00:00:00Z',
    }
    const lines = [other, { event: 'take', port: first + 2 }].map(
      (line) => `${JSON.stringify(line)}\n`,
    )
    writeFileSync(journal, lines.join(''))
    await vi.waitFor(() => expect(slice?.quarantineLeftMs(first + 2)).toBeGreaterThan(20_000), {
      timeout: 9000,
    })
    expect(slice?.isOut(first + 1)).toBe(true)
  })

  test('the lock of a live holder elsewhere is respected when it was removed by hand', async () => {
    const files = await setUp()
    await leaveBehind(files, { host: OTHER_NAMESPACE, liveness: 'accepted' })
    const [token] = readdirSync(files.lock)
    renameSync(path.join(files.lock, token as string), files.socket)
    rmSync(files.lock, { recursive: true })
    expect(await files.lease()).toBeUndefined()
  })

  test('a token that was removed by hand is created again', async () => {
    const { lease, lock } = await setUp()
    const slice = await lease()
    for (const name of readdirSync(lock)) rmSync(path.join(lock, name))
    await vi.waitFor(() => expect(readdirSync(lock)).toHaveLength(1), {
      timeout: 12_000,
      interval: 100,
    })
    await slice?.giveBack()
    expect(existsSync(lock)).toBe(false)
  })

  test('a lock that was lost and created again unnoticed is removed at the end', async () => {
    const { directory, first, lease, take, lock } = await setUp()
    const slice = await lease()
    rmSync(directory, { recursive: true })
    await take(slice, first + 1) // Writing the journal finds that the lock is lost.
    await vi.waitFor(() => expect(existsSync(lock)).toBe(true), { timeout: 5000 })
    await new Promise((resolve) => setTimeout(resolve, 5500)) // The first lock's next refresh.
    slice?.release(first + 1, false)
    await slice?.giveBack()
    expect(existsSync(lock)).toBe(false)
  })

  test("nothing is written through what lies in the place of the journal's draft", async () => {
    const { directory, lease, journal } = await setUp()
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const precious = path.join(directory, 'precious')
    writeFileSync(precious, 'kept')
    symlinkSync(precious, `${journal}.new`)
    expect(await lease()).toBeDefined()
    expect(readFileSync(precious, 'utf8')).toBe('kept')
    expect(readSliceRecord(journal)?.lease).toBeDefined()
  })

  test('the journal of another holder that has the lock now is left alone', async () => {
    const files = await setUp()
    const slice = await files.lease()
    rmSync(files.lock, { recursive: true })
    rmSync(files.journal)
    await leaveBehind(files, { host: OTHER_NAMESPACE })
    await files.take(slice, files.first + 5)
    expect(readSliceRecord(files.journal)?.lease?.host).toBe(OTHER_NAMESPACE)
  })

  test('a lost lock, journal and socket are created again, without a message', async () => {
    const { directory, first, lease, take, lock, journal, socket } = await setUp()
    const warned = vi.fn()
    const slice = await lease({ ...contextOf(directory), onTrouble: warned })
    await take(slice, first + 5, { label: 'kept' })
    renameSync(directory, `${directory}-moved`)
    // proper-lockfile checks its lock every five seconds.
    await vi.waitFor(
      () => {
        expect(existsSync(lock)).toBe(true)
        expect(existsSync(socket)).toBe(true)
        expect(readFileSync(journal, 'utf8')).toContain('"kept"')
      },
      { timeout: 15_000, interval: 100 },
    )
    expect(warned).not.toHaveBeenCalled()
  })

  test('what could not be written is written later', async () => {
    const { directory, first, lease, take, journal } = await setUp()
    const warned = vi.fn()
    const slice = await lease({ ...contextOf(directory), onTrouble: warned })
    await take(slice, first + 1)
    await take(slice, first + 2)
    // A directory at this path can neither be appended to nor replaced.
    rmSync(journal)
    mkdirSync(path.join(journal, 'in the way'), { recursive: true })
    slice?.release(first + 1, false)
    await take(slice, first + 7, { label: 'taken meanwhile' })
    for (let i = 0; i < 2; i++) slice?.release(first + 30, false)
    rmSync(journal, { recursive: true })
    await vi.waitFor(
      () =>
        expect(readSliceRecord(journal)?.ports.map(({ port }) => port)).toEqual([
          first + 2,
          first + 7,
        ]),
      { timeout: 7000, interval: 100 },
    )
  })

  test('a lock whose time is changed by hand stays ours', async () => {
    const { lease, lock, directory } = await setUp()
    const warned = vi.fn()
    await lease({ ...contextOf(directory), onTrouble: warned })
    const token = readdirSync(lock)
    utimesSync(lock, 1, 1)
    await new Promise((resolve) => setTimeout(resolve, 5600))
    expect(readdirSync(lock)).toEqual(token)
    expect(warned).not.toHaveBeenCalled()
  })
})
