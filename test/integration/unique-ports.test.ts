/** No port is out twice, whichever call takes it, in many processes at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { claimPort, createAllocator } from '@portslice/core'
import { expect, onTestFinished, test } from 'vitest'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { cleanEnvironment, runNode } from '../support/process.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'
import type { Plan } from './processes/take-and-release.ts'

const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url))

/** Runs a process for each plan at the same time, and returns what they recorded. */
async function runAll(plans: Plan[]): Promise<ReturnType<typeof readIntervals>> {
  const folder = temporaryFolder()
  const outcomes = await Promise.all(
    plans.map((plan) =>
      runNode([script('take-and-release.ts'), folder, JSON.stringify(plan)], { cwd: folder }),
    ),
  )
  expect(outcomes.map(({ status, stderr }) => `${status} ${stderr}`)).toEqual(plans.map(() => '0 '))
  const intervals = readIntervals(path.join(folder, 'intervals.ndjson'))
  expect(intervals).toHaveLength(plans.reduce((sum, { ports }) => sum + ports, 0))
  expect(intervals.filter(({ to }) => to === undefined)).toEqual([])
  return intervals
}

const plan = (options: Plan['options']): Plan => ({ options, ports: 200, atOnce: 8, bindAfter: 40 })

test('16 processes take 200 ports each for apps that bind late: no port twice at a time', async () => {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const intervals = await runAll(
    Array.from({ length: 16 }, () => plan({ lockDirectory, range: [20_000, 21_000], workerId: 1 })),
  )
  expect(overlaps(intervals)).toEqual([])
})

test('processes with other ranges, shards, orders, guards and lock directories never share a port', async () => {
  const [one, two] = [path.join(temporaryFolder(), 'one'), path.join(temporaryFolder(), 'two')]
  const intervals = await runAll([
    plan({ lockDirectory: one, range: [22_000, 22_999] }),
    plan({ lockDirectory: two, range: [22_000, 22_999] }),
    plan({ lockDirectory: one, range: [22_017, 23_011], order: 'random' }),
    plan({ lockDirectory: two, range: [22_100, 22_400], timeWaitGuard: 'always' }),
    plan({ lockDirectory: one, range: [22_000, 22_999], shard: { index: 1, total: 2 } }),
    plan({ lockDirectory: one, range: [22_000, 22_999], shard: { index: 2, total: 3 } }),
    plan({ lockDirectory: two, range: [21_500, 22_500], workerId: 7 }),
    plan({ lockDirectory: one, range: [22_000, 22_999], waitTimeout: 60_000, workerId: 2 }),
  ])
  expect(overlaps(intervals)).toEqual([])
  expect(new Set(intervals.map(({ port }) => port)).size).toBeLessThan(intervals.length)
})

test.runIf(TEST_ALL)(
  'more processes than slices wait for each other, and all get a turn',
  async () => {
    const lockDirectory = path.join(temporaryFolder(), 'locks')
    const intervals = await runAll(
      Array.from({ length: 8 }, () => ({
        options: { lockDirectory, range: [23_104, 23_200], waitTimeout: 60_000 },
        ports: 40,
        atOnce: 4,
        bindAfter: 10,
      })),
    )
    expect(overlaps(intervals)).toEqual([])
  },
)

test('workers of a Node cluster each have ports of their own', async () => {
  const folder = temporaryFolder()
  const { stdout, stderr, status } = await runNode([script('take-ports-in-cluster.ts')], {
    cwd: folder,
    lockDirectory: path.join(folder, 'locks'),
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const ports = stdout
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line) as number[])
  expect(ports).toHaveLength(4 * 5)
  expect(new Set(ports).size).toBe(ports.length)
})

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
