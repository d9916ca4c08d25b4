/** Ports of Playwright's workers: in parallel, after a retry, in shards, in several projects. */

import { afterAll, expect, test } from 'vitest'
import { overlaps } from '../support/intervals.ts'
import { ownSlices } from '../support/own-slices.ts'
import {
  APP,
  config,
  expectAllPassed,
  factsOf,
  intervalsOf,
  playwright,
  TEST_TIMEOUT,
} from '../support/playwright-run.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

/**
 * How long after its hand-out the port of a killed worker must not be handed out again. Less than the
 * quarantine of 30 s, which starts when the death is discovered, so after the hand-out.
 */
const QUARANTINE_NS = 20n * 10n ** 9n

test('parallel workers never have one port at the same time', {
  timeout: TEST_TIMEOUT,
}, async () => {
  const workers = 4
  const project = projects.project({
    'app.ts': APP,
    'playwright.config.ts': config(`fullyParallel: true, workers: ${workers}`),
    'ports.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { recordUntilWorkerEnds, waitForWorkers, serve, reportFacts } from './app.ts'

      for (let i = 1; i <= 12; i++) {
        test('test ' + i, async ({ port, takePort, workerPort }, testInfo) => {
          recordUntilWorkerEnds(workerPort)
          const another = await takePort()
          const start = waitForWorkers('first tests', ${workers})
          await using first = await serve(port, start)
          await using second = await serve(another, start)
          reportFacts(testInfo, { workerPort })
        })
      }
    `,
  })

  const run = await playwright(project)

  expectAllPassed(run, 12)
  const intervals = intervalsOf(project)
  expect(intervals).toHaveLength(12 * 2 + workers)
  expect(overlaps(intervals)).toEqual([])

  const portsOfWorkers = new Map<number, Set<number>>()
  for (const { results } of run.tests) {
    const { workerPort } = factsOf<{ workerPort: number }>(results[0])
    const { workerIndex } = results[0]
    portsOfWorkers.set(workerIndex, (portsOfWorkers.get(workerIndex) ?? new Set()).add(workerPort))
  }
  const workerPorts = [...portsOfWorkers.values()].flatMap((ports) => [...ports])
  expect(portsOfWorkers.size).toBe(workers)
  expect(workerPorts, 'one worker port per worker').toHaveLength(workers)
  expect(new Set(workerPorts).size, 'all distinct').toBe(workers)
})

test('a worker that takes the place of a failed or killed one gets ports of its own', {
  timeout: TEST_TIMEOUT,
}, async () => {
  // One worker in each run, so that a retry has the same parallel index as the first try; and two
  // runs at the same time, whose workers all prefer the same slice.
  const project = projects.project({
    'app.ts': APP,
    'playwright.config.ts': config('workers: 1, retries: 1'),
    'retried.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { waitForWorkers, serve } from './app.ts'

      test('is killed at first', async ({ port }, { retry }) => {
        await using app = await serve(port, waitForWorkers('killed ' + retry, 2))
        if (retry === 0) process.kill(process.pid, 'SIGKILL')
      })

      test('throws at first', async ({ port }, { retry }) => {
        await using app = await serve(port, waitForWorkers('throws ' + retry, 2))
        if (retry === 0) throw new Error('thrown at first')
      })
    `,
  })

  const both = await Promise.all([playwright(project), playwright(project)])

  for (const { tests, status } of both) {
    expect(status).toBe(0)
    expect(tests.map(({ title, status }) => [title, status])).toEqual([
      ['is killed at first', 'flaky'],
      ['throws at first', 'flaky'],
    ])
    const [killed, thrown] = tests.map(({ results }) => results[0].errors[0]?.message)
    expect(killed).toContain('worker process exited unexpectedly')
    expect(thrown).toContain('thrown at first')
    for (const { results } of tests) {
      expect(results.map(({ parallelIndex }) => parallelIndex)).toEqual([0, 0])
      expect(new Set(results.map(({ workerIndex }) => workerIndex)).size).toBe(2)
    }
  }
  const intervals = intervalsOf(project)
  expect(intervals).toHaveLength(8)
  // The killed workers have not given back their ports: no other worker may have got them soon after.
  expect(intervals.filter(({ to }) => to === undefined)).toHaveLength(2)
  expect(
    overlaps(intervals.map((interval) => ({ to: interval.from + QUARANTINE_NS, ...interval }))),
  ).toEqual([])
})

test.runIf(TEST_ALL)(
  'shards that run at the same time use halves of the range',
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    const project = projects.project({
      'app.ts': APP,
      'playwright.config.ts': config(`
      fullyParallel: true, workers: 2, use: { portslice: { range: [20000, 29999] } }
    `),
      'ports.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { waitForWorkers, serve, reportFacts } from './app.ts'

      for (let i = 1; i <= 8; i++) {
        test('test ' + i, async ({ port, workerPort }, testInfo) => {
          await using app = await serve(port, waitForWorkers('first tests of both shards', 4))
          reportFacts(testInfo, { ports: [port, workerPort] })
        })
      }
    `,
    })

    const [first, second] = await Promise.all([
      playwright(project, ['--shard=1/2']),
      playwright(project, ['--shard=2/2']),
    ])

    expectAllPassed(first, 4)
    expectAllPassed(second, 4)
    expect(overlaps(intervalsOf(project))).toEqual([])
    // 20000-29999 holds 312 slices of 32 ports, of which the first 156 are shard 1's.
    const middle = 20000 + 156 * 32
    for (const port of portsOf(first)) {
      expect(port).toBeGreaterThanOrEqual(20000)
      expect(port).toBeLessThan(middle)
    }
    for (const port of portsOf(second)) {
      expect(port).toBeGreaterThanOrEqual(middle)
      expect(port).toBeLessThanOrEqual(29999)
    }
  },
)

test.runIf(TEST_ALL)(
  "more shards than slices do not fail, because the runner's shard is a preference",
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    await using own = await ownSlices(2)
    const project = projects.project({
      'app.ts': APP,
      'playwright.config.ts': config(`
      workers: 2, use: { portslice: { range: [${own.range}] } }
    `),
      'ports.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { serve, reportFacts } from './app.ts'

      test('one', async ({ port }, testInfo) => {
        await using app = await serve(port)
        reportFacts(testInfo, { ports: [port] })
      })
    `,
    })
    expectAllPassed(await playwright(project, ['--shard=1/40']), 1)
    expectAllPassed(
      await playwright(project, [], { env: { CI_NODE_INDEX: '7', CI_NODE_TOTAL: '3' } }),
      1,
    )
  },
)

test.runIf(TEST_ALL)(
  'every project of a config has its own options',
  { timeout: TEST_TIMEOUT },
  async () => {
    const project = projects.project({
      'app.ts': APP,
      'playwright.config.ts': config(`
      fullyParallel: true,
      workers: 3,
      projects: [
        { name: 'plain' },
        { name: 'low', use: { portslice: { range: [20000, 24999] } } },
        { name: 'high', use: { portslice: { range: [25000, 29999], order: 'random' } } },
      ],
    `),
      'ports.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { waitForWorkers, serve, reportFacts } from './app.ts'

      test('takes some', async ({ takePort }, testInfo) => {
        const ports: number[] = []
        for (let i = 1; i <= 20; i++) ports.push(await takePort())
        const start = waitForWorkers('all projects', 3)
        await using apps = new AsyncDisposableStack()
        for (const app of await Promise.all(ports.map((port) => serve(port, start)))) apps.use(app)
        reportFacts(testInfo, { ports })
      })
    `,
    })

    const run = await playwright(project)

    expectAllPassed(run, 3)
    const intervals = intervalsOf(project)
    expect(intervals).toHaveLength(3 * 20)
    expect(overlaps(intervals)).toEqual([])
    const [low, high] = ['low', 'high'].map((name) =>
      portsOf({ tests: run.tests.filter(({ project }) => project === name) }),
    ) as [number[], number[]]
    expect(Math.min(...low)).toBeGreaterThanOrEqual(20000)
    expect(Math.max(...low)).toBeLessThanOrEqual(24999)
    expect(Math.min(...high)).toBeGreaterThanOrEqual(25000)
    expect(Math.max(...high)).toBeLessThanOrEqual(29999)
    // The sequential order goes upwards and starts again below at most once; that twenty ports at
    // random do so is less likely than one in a billion.
    expect(descents(low)).toBeLessThanOrEqual(1)
    expect(descents(high)).toBeGreaterThan(1)
  },
)

/** The ports that all tests of a run have reported, in order. */
function portsOf({ tests }: Pick<Awaited<ReturnType<typeof playwright>>, 'tests'>): number[] {
  return tests.flatMap(({ results }) => factsOf<{ ports: number[] }>(results[0]).ports)
}

/** How often a number is less than the one before. */
function descents(numbers: readonly number[]): number {
  return numbers.filter((number, i) => number < (numbers[i - 1] ?? 0)).length
}
