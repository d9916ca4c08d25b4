/** The ports of a dead holder are not handed out for 30 s from the discovery of its death, with any clock. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { faketimeError, withFaketime } from '../support/faketime.ts'
import { ownSlices } from '../support/own-slices.ts'
import type { ProcessOptions } from '../support/process.ts'
import { cleanEnvironment } from '../support/process.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'

/** Longer than a quarantine, in ms. */
const OUT_OF_ACTION_MS = 36_000

/** Takes ports in one process, kills it, and returns its ports and those of the next process. */
async function takeKillTake(
  directory: TemporaryDirectory,
  {
    first = {},
    next = {},
    before,
    after,
  }: {
    first?: ProcessOptions
    next?: ProcessOptions
    /** What happens to the holder before it is killed. */
    before?: (holder: AllocatorProcess) => Promise<unknown>
    /** What happens once the next one has the slice. */
    after?: () => void
  },
) {
  await using slices = await ownSlices(1)
  const { range } = slices
  const options = { range, lockDirectory: directory.locks, waitTimeout: 1000 }
  await using holder = await AllocatorProcess.start(first)
  await holder.command({ do: 'open', options })
  const had = (await holder.command({ do: 'take', count: 10 })).ports
  await before?.(holder)
  await holder.kill()
  await using heir = await AllocatorProcess.start(next)
  await heir.command({ do: 'open', options })
  after?.()
  const { ports } = await heir.command({ do: 'take', count: 10 })
  return { had, ports, options }
}

/** Waits until a holder has refreshed its lock. */
async function untilRefreshed(lockDirectory: string): Promise<void> {
  const times = () =>
    readdirSync(lockDirectory)
      .filter((name) => name.endsWith('.lock'))
      .map((name) => statSync(path.join(lockDirectory, name)).mtimeMs)
  const before = times()
  await vi.waitFor(() => expect(times()).not.toEqual(before), { timeout: 20_000 })
}

describe.concurrent('the ports of a dead holder are not handed out at once', () => {
  test('when it was stopped for longer than that and then killed', async () => {
    using directory = new TemporaryDirectory()
    const before = async (holder: AllocatorProcess) => {
      holder.signal('SIGSTOP')
      await sleep(OUT_OF_ACTION_MS)
    }
    const { had, ports } = await takeKillTake(directory, { before })
    expect(ports.filter((port) => had.includes(port))).toEqual([])
  })

  test('when its event loop was blocked for longer than that and it was then killed', async () => {
    using directory = new TemporaryDirectory()
    const before = async (holder: AllocatorProcess) => {
      await holder.command({ do: 'block', ms: OUT_OF_ACTION_MS * 2 })
      await sleep(OUT_OF_ACTION_MS)
    }
    const { had, ports } = await takeKillTake(directory, { before })
    expect(ports.filter((port) => had.includes(port))).toEqual([])
  })

  test.skipIf(faketimeError).each(['-1d', '+1d'])(
    'when its clock was off by %s',
    async (offset) => {
      using directory = new TemporaryDirectory()
      const { had, ports } = await takeKillTake(directory, {
        first: { env: withFaketime({ FAKETIME: offset }) },
        // What it writes by its clock must not count.
        before: () => untilRefreshed(directory.locks),
      })
      expect(ports.filter((port) => had.includes(port))).toEqual([])
    },
  )

  test.skipIf(faketimeError).each(['-60', '+60', '+86400'])(
    'when the clock of the next holder is set by %s s after it has leased the slice',
    async (offset) => {
      using directory = new TemporaryDirectory()
      const file = path.join(directory.path, 'clock')
      writeFileSync(file, '+0')
      const env = withFaketime({
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        // Setting the clock does not change the monotonic one.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      })
      const setClock = () => writeFileSync(file, offset)
      const { had, ports } = await takeKillTake(directory, { next: { env }, after: setClock })
      expect(ports.filter((port) => had.includes(port))).toEqual([])
    },
  )

  test('to a claim, whose timeout error says why', async () => {
    using directory = new TemporaryDirectory()
    const env = { PORTSLICE_LOCK_DIR: directory.locks }
    const { had } = await takeKillTake(directory, {})
    await using claimer = await AllocatorProcess.start({ env })
    const { error } = await claimer.try({
      do: 'claim',
      port: had[0] as number,
      options: { timeout: 500 },
    })
    expect(error).toMatchObject({ code: 'ERR_PORTSLICE_CLAIM_TIMEOUT' })
    expect(error?.message).toMatch(/quarantined for \d+ s more/)
  })

  test('when it had claimed the port', async () => {
    using directory = new TemporaryDirectory()
    const env = { PORTSLICE_LOCK_DIR: directory.locks }
    await using slices = await ownSlices(1)
    const { range } = slices
    await using dead = await AllocatorProcess.start({ env })
    await dead.command({ do: 'claim', port: range[0] })
    await dead.kill()
    await using claimer = await AllocatorProcess.start({ env })
    const claim = { do: 'claim', port: range[0], options: { timeout: 500 } } as const
    const { error } = await claimer.try(claim)
    expect(error?.message).toMatch(/quarantined for \d+ s more/)
    // The worker that leases the slice does not hand the port out either.
    await using worker = await AllocatorProcess.start()
    await worker.command({
      do: 'open',
      options: { range, lockDirectory: directory.locks, waitTimeout: 1000 },
    })
    const { ports } = await worker.command({ do: 'take', count: 20 })
    expect(ports).not.toContain(range[0])
  })
})

/** A process with the environment of a run's children that has bound nothing yet. */
async function startOrphan(port: number): Promise<ChildProcess> {
  const orphan = spawn(
    process.execPath,
    ['-e', 'console.log("started"); setInterval(() => {}, 60_000)'],
    { env: { ...cleanEnvironment(), PORTSLICE_PORT_WEB: String(port) }, detached: true },
  )
  await once(orphan.stdout as NodeJS.ReadableStream, 'data')
  return orphan
}

describe.concurrent('a named port after its run was killed', () => {
  async function nameKillName({
    withOrphan,
    inOtherProject,
  }: {
    withOrphan: boolean
    inOtherProject: boolean
  }) {
    using directory = new TemporaryDirectory()
    const [one, other] = [directory.project('one'), directory.project('other')]
    await using slices = await ownSlices(1)
    const { range } = slices
    const options = { range, lockDirectory: directory.locks, waitTimeout: 1000 }
    await using run = await AllocatorProcess.start({ cwd: one })
    const [had] = (await run.command({ do: 'name', name: 'web', options })).ports
    const orphan = withOrphan ? await startOrphan(had as number) : undefined
    try {
      await run.kill()
      await using next = await AllocatorProcess.start({ cwd: inOtherProject ? other : one })
      const [has] = (await next.command({ do: 'name', name: 'web', options })).ports
      return { had, has }
    } finally {
      orphan?.kill('SIGKILL')
    }
  }

  test('is another one while a process runs that may bind it', async () => {
    const { had, has } = await nameKillName({ withOrphan: true, inOtherProject: false })
    expect(has).not.toBe(had)
  })

  test('is another one in another project, with and without such a process', async () => {
    for (const withOrphan of [true, false]) {
      const { had, has } = await nameKillName({ withOrphan, inOtherProject: true })
      expect(has).not.toBe(had)
    }
  })

  test('is the same when no process of the run is left', async () => {
    const { had, has } = await nameKillName({ withOrphan: false, inOtherProject: false })
    expect(has).toBe(had)
  })
})
