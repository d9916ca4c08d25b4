/** The allocator in many processes at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { listSlices } from '@portslice/core'
import { expect, onTestFinished, test } from 'vitest'
import { TEST_ALL } from '../support/extent.ts'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { ownSlices } from '../support/own-slices.ts'
import { cleanEnvironment, runNode } from '../support/process.ts'
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

/** Starts a script that prints a line once it holds a slice, and waits for that line. */
async function startHolder(name: string, lockDirectory: string, range?: readonly number[]) {
  const child = spawn(process.execPath, [script(name)], {
    env: {
      ...cleanEnvironment(),
      PORTSLICE_LOCK_DIR: lockDirectory,
      ...(range && { PORTSLICE_RANGE: range.join('-') }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [line] = (await once(lines, 'line')) as [string]
  return { child, lines, said: JSON.parse(line) as { first: number; ports: number[] } }
}

const isHeld = async (lockDirectory: string, slice: number) =>
  (await listSlices({ lockDirectory })).some(
    ({ first, state, holder }) => first === slice && state === 'held' && holder !== undefined,
  )

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a process ended by %s frees its slice at once; its ports are quarantined',
  async (signal) => {
    const lockDirectory = path.join(temporaryFolder(), 'locks')
    await using slices = await ownSlices(1)
    const { child, said } = await startHolder('hold-ports.ts', lockDirectory, slices.range)
    expect(await isHeld(lockDirectory, said.first)).toBe(true)
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    expect(await isHeld(lockDirectory, said.first)).toBe(false)

    const next = await startHolder('hold-ports.ts', lockDirectory, slices.range)
    expect(next.said.first).toBe(said.first)
    expect(next.said.ports.filter((port) => said.ports.includes(port))).toEqual([])
  },
)

test('a worker thread that is terminated frees its slice at once', async () => {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const { said, lines, child } = await startHolder('hold-ports-in-threads.ts', lockDirectory)
  const slices = said.ports.map((port) => port & ~31)
  expect(new Set(slices).size).toBe(slices.length)
  for (const slice of slices) expect(await isHeld(lockDirectory, slice)).toBe(true)
  child.kill('SIGUSR2') // Tells it to terminate its threads, and to say when it has.
  await once(lines, 'line')
  for (const slice of slices) expect(await isHeld(lockDirectory, slice)).toBe(false)
})

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

test('does not keep a process alive: one with ports out ends, and removes its lock', async () => {
  const folder = temporaryFolder()
  const lockDirectory = path.join(folder, 'locks')
  const { status, stdout, stderr } = await runNode([script('leave-ports-out.ts')], {
    cwd: folder,
    lockDirectory,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  // libuv's count of what keeps the loop alive, as the script saw it.
  expect(JSON.parse(stdout)).toEqual([])
  expect(readdirSync(lockDirectory).filter((name) => name.endsWith('.lock'))).toEqual([])
})

test('a process that only waits for a port stays alive', async () => {
  const folder = temporaryFolder()
  const { status, stdout } = await runNode([script('wait-until-timeout.ts')], {
    cwd: folder,
    lockDirectory: path.join(folder, 'locks'),
  })
  expect({ status, stdout: stdout.trim() }).toEqual({
    status: 0,
    stdout: 'ERR_PORTSLICE_RANGE_EXHAUSTED',
  })
})
