/** Locks and journals that are late, wrong, lost or left behind: in other namespaces and on disks that are full. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listSlices } from '@portslice/core'
import { describe, expect, test, vi } from 'vitest'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { IN_OTHER_NETWORK } from '../support/namespaces.ts'
import { ownSlices } from '../support/own-slices.ts'
import { PrivateDisk } from '../support/private-disk.ts'
import { whyNot } from '../support/process.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'

/** Longer than a lock takes to go stale if its holder cannot be asked, in ms. */
const OUT_OF_ACTION_MS = 13_000
/** Far less than the 10 s for which a lock of an unknown program is observed, in ms. */
const AT_ONCE_MS = 7000

async function statusOf(lockDirectory: string, first: number) {
  return (await listSlices({ lockDirectory })).find((slice) => slice.first === first)
}

const noNetworks = whyNot('unshare', '-n', 'true')

describe.skipIf(noNetworks).concurrent('a holder in another network namespace', () => {
  test.each(['SIGSTOP', 'block'])(
    'keeps its slice as long as it lives, even if %s stops its timers, and is replaced once it is dead',
    async (how) => {
      using directory = new TemporaryDirectory()
      await using slices = await ownSlices(1)
      const lockDirectory = directory.locks
      const options = { range: slices.range, lockDirectory, waitTimeout: OUT_OF_ACTION_MS }
      await using holder = await AllocatorProcess.start({ by: IN_OTHER_NETWORK })
      await holder.command({ do: 'open', options })
      const had = (await holder.command({ do: 'take', count: 5 })).ports
      if (how === 'block') await holder.command({ do: 'block', ms: OUT_OF_ACTION_MS * 4 })
      else holder.signal('SIGSTOP')
      await using here = await AllocatorProcess.start()
      const refused = await here.try({ do: 'open', options })
      expect(refused.error).toMatchObject({ code: 'ERR_PORTSLICE_RANGE_EXHAUSTED' })
      expect(await statusOf(lockDirectory, slices.range[0])).toMatchObject({
        state: 'held',
        holder: { pid: holder.pid },
        ports: had.map((port) => ({ port, state: 'out' })),
      })
      await holder.kill()
      const { took } = await here.command({ do: 'open', options })
      expect(took).toBeLessThan(AT_ONCE_MS)
      const { ports } = await here.command({ do: 'take', count: 5 })
      expect(ports.filter((port) => had.includes(port))).toEqual([])
    },
  )

  test('that is dead is replaced at once, even if its lock is dated in the future', async () => {
    using directory = new TemporaryDirectory()
    await using slices = await ownSlices(1)
    const options = { range: slices.range, lockDirectory: directory.locks, waitTimeout: 13_000 }
    await using holder = await AllocatorProcess.start({ by: IN_OTHER_NETWORK })
    await holder.command({ do: 'open', options })
    await holder.kill()
    dateTomorrow(path.join(directory.locks, `slice-${slices.range[0]}.lock`))
    await using here = await AllocatorProcess.start()
    const { took } = await here.command({ do: 'open', options })
    expect(took).toBeLessThan(AT_ONCE_MS)
  })
})

test.concurrent('a lock of unknown origin that is dated in the future is replaced after 10 s', async () => {
  using directory = new TemporaryDirectory()
  await using slices = await ownSlices(1)
  const options = { range: slices.range, lockDirectory: directory.locks, waitTimeout: 30_000 }
  const lock = path.join(directory.locks, `slice-${slices.range[0]}.lock`)
  mkdirSync(lock, { recursive: true, mode: 0o700 })
  dateTomorrow(lock)
  await using here = await AllocatorProcess.start()
  const { took } = await here.command({ do: 'open', options })
  expect(took).toBeGreaterThan(9000)
  expect(took).toBeLessThan(60_000)
})

function dateTomorrow(lock: string): void {
  const tomorrow = new Date(Date.now() + 86_400_000)
  utimesSync(lock, tomorrow, tomorrow)
}

const STATX_FAILS = ['-e', 'inject=statx:error=ENOSYS']
const noStrace = whyNot('strace', '-f', '-qq', '-o', '/dev/null', ...STATX_FAILS, 'true')

test.skipIf(noStrace).concurrent('a file system without birth times loses no lock', async () => {
  using directory = new TemporaryDirectory()
  await using slices = await ownSlices(1)
  const [first] = slices.range
  const options = { range: slices.range, lockDirectory: directory.locks, waitTimeout: 10_000 }
  const lock = path.join(directory.locks, `slice-${first}.lock`)
  const by = ['strace', '-f', '-qq', '-o', '/dev/null', ...STATX_FAILS]
  await using holder = await AllocatorProcess.start({ by })
  await holder.command({ do: 'open', options })
  const before = readdirSync(lock)
  await sleep(OUT_OF_ACTION_MS) // Two refreshes, which change the times of the lock.
  expect(readdirSync(lock)).toEqual(before)
  const { warnings } = await holder.command({ do: 'close' })
  expect(warnings).toEqual([])
  expect(existsSync(lock)).toBe(false)
  await using next = await AllocatorProcess.start()
  const { took } = await next.command({ do: 'open', options })
  expect(took).toBeLessThan(AT_ONCE_MS)
})

/** The limit for writing what could not be written before, in ms. */
const SOON = { timeout: 7000 }
const PAGE_BYTES = 4096
/** The longest label with which the disk is filled, in characters. */
const LONGEST_LABEL = 200

describe.concurrent('lines of a journal that a full disk rejected', () => {
  /** A holder with a lock directory on a small disk, and functions that fill the disk. */
  async function onSmallDisk(
    stack: AsyncDisposableStack,
    skip: (condition: boolean, note: string) => void,
  ) {
    const directory = stack.use(new TemporaryDirectory())
    const disk = await PrivateDisk.mount(path.join(directory.path, 'disk'), 'size=256k')
    skip(typeof disk === 'string', String(disk))
    const small = stack.use(disk as PrivateDisk)
    const slices = stack.use(await ownSlices(1))
    const [first] = slices.range
    const lockDirectory = path.join(small.folder, 'locks')
    const options = { range: slices.range, lockDirectory, waitTimeout: 5000 }
    const start = async () => {
      const started = stack.use(await AllocatorProcess.start({ by: small.by, cwd: '/' }))
      await started.command({ do: 'open', options })
      return started
    }
    const filler = small.file('filler')
    return {
      start,
      fill: () => expect(() => writeFileSync(filler, Buffer.alloc(1 << 20))).toThrow('ENOSPC'),
      makeRoom: () => rmSync(filler),
      journal: () => readFileSync(small.file('locks', `slice-${first}.ndjson`), 'utf8'),
      ports: async () => {
        const status = await statusOf(small.file('locks'), first)
        return status?.ports.filter(({ state }) => state === 'out').map(({ port }) => port) ?? []
      },
    }
  }

  const sorted = (ports: readonly number[]) => ports.toSorted((a, b) => a - b)

  /**
   * Takes ports until the journal ends just before the end of a page: the disk gives whole pages,
   * so that the next line needs one more.
   */
  async function takeToEndOfPage(
    holder: AllocatorProcess,
    journal: () => string,
  ): Promise<number[]> {
    const taken: number[] = []
    const take = async (length: number) => {
      const before = Buffer.byteLength(journal())
      const options = { label: 'x'.repeat(length) }
      taken.push(...(await holder.command({ do: 'take', count: 1, options })).ports)
      return Buffer.byteLength(journal()) - before
    }
    const overhead = (await take(1)) - 1
    for (;;) {
      const left = PAGE_BYTES - (Buffer.byteLength(journal()) % PAGE_BYTES)
      if (left < overhead) return taken
      const length = left - overhead - 10
      if (length > 2 * LONGEST_LABEL) await take(LONGEST_LABEL)
      else await take(length > LONGEST_LABEL ? LONGEST_LABEL / 2 : Math.max(1, length))
    }
  }

  test('are written once there is room, and quarantined after a crash', async ({ skip }) => {
    await using stack = new AsyncDisposableStack()
    const { start, fill, makeRoom, journal, ports } = await onSmallDisk(stack, skip)
    const holder = await start()
    const had = (await holder.command({ do: 'take', count: 4 })).ports
    had.push(...(await takeToEndOfPage(holder, journal)))
    fill()
    had.push(...(await holder.command({ do: 'take', count: 5 })).ports)
    const written = await ports()
    makeRoom()
    await vi.waitFor(async () => expect(await ports()).toEqual(sorted(had)), SOON)
    // Otherwise the disk had room, and nothing was tested.
    expect(written.length).toBeLessThan(had.length)
    await holder.kill()
    const next = await start()
    const got = (await next.command({ do: 'take', count: 5 })).ports
    expect(got.filter((port) => had.includes(port))).toEqual([])
  })

  test('of releases are written once there is room', async ({ skip }) => {
    await using stack = new AsyncDisposableStack()
    const { start, fill, makeRoom, journal, ports } = await onSmallDisk(stack, skip)
    const holder = await start()
    const had = (await holder.command({ do: 'take', count: 8 })).ports
    had.push(...(await takeToEndOfPage(holder, journal)))
    fill()
    const [returned, kept] = [had.slice(0, 5), had.slice(5)]
    await holder.command({ do: 'release', ports: returned })
    const written = await ports()
    makeRoom()
    await vi.waitFor(async () => expect(await ports()).toEqual(sorted(kept)), SOON)
    expect(written.length).toBeGreaterThan(kept.length)
  })
})
