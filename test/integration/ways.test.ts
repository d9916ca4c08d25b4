/** Every way to a port, in many processes at once. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { claimPort, createAllocator } from '@portslice/core'
import { expect, onTestFinished, test } from 'vitest'
import { firstOf, TEST_ALL } from '../support/extent.ts'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { cleanEnvironment, runNode } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url))

const PROCESSES = 8
const WAYS = ['withPort', 'listen', 'takeBlock', 'takeMany', 'random', 'key', 'releaseWhenClosed']

/** Runs a process for each way at the same time, on fewer slices than they would like. */
async function handOut(ways: readonly string[], times: number) {
  const folder = temporaryFolder()
  const outcomes = await Promise.all(
    ways.map((way) =>
      runNode([script('take-in-one-way.ts'), folder, way, String(times)], {
        cwd: folder,
        lockDirectory: path.join(folder, 'locks'),
        // Twelve slices. Each process needs at most two, and waits for them if it must.
        env: { PORTSLICE_RANGE: '26016-26399' },
      }),
    ),
  )
  expect(outcomes.map(({ status, stderr }) => `${status} ${stderr}`)).toEqual(ways.map(() => '0 '))
  return readIntervals(path.join(folder, 'intervals.ndjson'))
}

test.runIf(TEST_ALL).each(WAYS)(
  '%s in many processes: no port is out twice, none is missing',
  async (way) => {
    const times = way === 'releaseWhenClosed' ? 5 : 20
    const intervals = await handOut(
      Array.from({ length: PROCESSES }, () => way),
      times,
    )
    expect(overlaps(intervals)).toEqual([])
    expect(intervals.length).toBeGreaterThanOrEqual(PROCESSES * times)
  },
)

test('all ways at once', async () => {
  expect(overlaps(await handOut(WAYS, 10))).toEqual([])
})

/** Ports below the default range, with a slice of their own. */
async function portsToClaim(count: number): Promise<number[]> {
  const workerId = 1 + Math.floor(Math.random() * 100_000)
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using allocator = await createAllocator({ range: [4000, 9999], workerId, lockDirectory })
  const leases = await allocator.takeMany(count)
  return leases.map(({ port }) => port)
}

test.each(firstOf([2, 1]))(
  'claims of %i fixed ports in many processes: one holder at a time',
  async (count) => {
    const ports = await portsToClaim(count)
    const folder = temporaryFolder()
    const outcomes = await Promise.all(
      Array.from({ length: PROCESSES }, (_, index) =>
        runNode([script('claim-in-turn.ts'), folder, ports.join(','), '8'], {
          cwd: folder,
          // The kernel decides, not the files.
          lockDirectory: path.join(folder, `locks-${index % 2}`),
        }),
      ),
    )
    expect(outcomes.map(({ status, stderr }) => `${status} ${stderr}`)).toEqual(
      outcomes.map(() => '0 '),
    )
    const intervals = readIntervals(path.join(folder, 'intervals.ndjson'))
    expect(overlaps(intervals)).toEqual([])
    expect(intervals).toHaveLength(PROCESSES * 8)
    expect(new Set(intervals.map(({ port }) => port)).size).toBe(count)
  },
)

test('the next claimer gets the port when its holder is killed, and knows its holder', async () => {
  const [port] = (await portsToClaim(1)) as [number]
  const folder = temporaryFolder()
  const holder = spawn(process.execPath, [script('claim-in-turn.ts'), folder, `${port}`, 'hold'], {
    cwd: folder,
    env: { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: path.join(folder, 'locks') },
  })
  onTestFinished(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  await expect(claimPort(port, { timeout: 100 })).rejects.toThrow(`pid ${holder.pid}`)
  const next = claimPort(port)
  holder.kill('SIGKILL')
  await using claim = await next
  expect(claim.port).toBe(port)
})

class KeyHolder {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(
    folder: string,
    workerId: number,
  ): Promise<{ holder: KeyHolder; port: number }> {
    const child = spawn(
      process.execPath,
      [script('hold-key.ts'), `https://app-${workerId}.example`, String(workerId)],
      {
        cwd: folder,
        env: {
          ...cleanEnvironment(),
          PORTSLICE_LOCK_DIR: path.join(folder, 'locks'),
          // No other test leases slices there: between a crash and a restart they would be free.
          PORTSLICE_RANGE: '2048-3999',
        },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const [data] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    return { holder: new KeyHolder(child), port: Number(data) }
  }

  async end(how: 'crash' | 'exit'): Promise<void> {
    const exit = once(this.#child, 'exit')
    if (how === 'crash') this.#child.kill('SIGKILL')
    else this.#child.stdin?.write('end\n')
    await exit
  }
}

test('programs without state get the port of their key again after a crash or restart', async () => {
  const folder = temporaryFolder()
  const workers = Array.from({ length: PROCESSES }, (_, index) => index + 1)
  const start = () => Promise.all(workers.map((workerId) => KeyHolder.start(folder, workerId)))
  const first = await start()
  const ports = first.map(({ port }) => port)
  expect(new Set(ports).size).toBe(PROCESSES)
  await Promise.all(first.map(({ holder }) => holder.end('crash')))
  const second = await start()
  expect(second.map(({ port }) => port)).toEqual(ports)
  await Promise.all(second.map(({ holder }) => holder.end('exit')))
  const third = await start()
  expect(third.map(({ port }) => port)).toEqual(ports)
  await Promise.all(third.map(({ holder }) => holder.end('exit')))
})
