/** The vitest package on the real runner: small projects in a temporary directory, and its reports. */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { listSlices } from '@portslice/core'
import { afterAll, describe, expect, test } from 'vitest'
import { type Interval, overlaps, readIntervals } from '../support/intervals.ts'
import type { Outcome } from '../support/process.ts'
import { type FixtureProject, FixtureProjects, type RunOptions } from '../support/project.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const INTERVALS = new URL(import.meta.resolve('../support/intervals.ts')).pathname

const CONFIG = (test = '', plugin = '') => `
  import portslice from '@portslice/vitest-plugin'
  export default { plugins: [portslice(${plugin})], test: { maxWorkers: 3, ${test} } }`

/** What most test files begin with: the fixtures, and a server that starts late. */
const BEGIN = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { expect, vi } from 'vitest'
  import { test } from '@portslice/vitest-plugin/test'
  import { Recorder } from ${JSON.stringify(INTERVALS)}
  const recorder = new Recorder(process.env.RECORD)
  async function serveLate(port, ms = 15) {
    const recordRelease = recorder.recordTake(port)
    await sleep(ms)
    const server = http.createServer((_, response) => response.end('served'))
    await once(server.listen(port), 'listening')
    await once(server.close(), 'close')
    recordRelease()
  }`

const SERVING_TESTS = `${BEGIN}
  test('serves', async ({ port }) => serveLate(port))
  test.concurrent('one of two', async ({ port, takePort }) => {
    await Promise.all([serveLate(port), serveLate(await takePort({ label: 'second' }))])
  })
  test.concurrent('two of two', async ({ takePort, port }) => {
    await Promise.all([serveLate(port), serveLate(await takePort())])
  })
  test('knows the port of its worker', async ({ workerPort, port, portAllocator }) => {
    expect(workerPort).not.toBe(port)
    await using lease = await portAllocator.take()
    expect([workerPort, port]).not.toContain(lease.port)
  })`
/** Hand-outs that the file above notes. */
const SERVED = 5

function testFiles(count: number, text: string): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`tests/file-${i}.test.js`, text]),
  )
}

interface Run extends Outcome {
  report: Report
  intervals: Interval[]
}

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: {
    assertionResults: {
      title: string
      status: string
      failureMessages: string[]
      meta: Record<string, unknown>
    }[]
  }[]
}

async function run(
  project: FixtureProject,
  args: string[] = [],
  options: RunOptions = {},
): Promise<Run> {
  const record = project.file('intervals.ndjson')
  const report = project.file('report.json')
  const outcome = await project.vitest(
    ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    { ...options, env: { RECORD: record, ...options.env } },
  )
  return {
    ...outcome,
    report: readOr(report, (text) => JSON.parse(text) as Report, {
      numPassedTests: 0,
      numFailedTests: 0,
      testResults: [],
    }),
    intervals: readOr(record, () => readIntervals(record), []),
  }
}

function readOr<T>(file: string, read: (text: string) => T, otherwise: T): T {
  try {
    return read(readFileSync(file, 'utf8'))
  } catch {
    return otherwise
  }
}

/** Every test passed, every port came back, and none was out twice at a time. */
function expectUnique({ status, report, intervals, stdout, stderr }: Run, handOuts: number): void {
  expect(status, stdout + stderr).toBe(0)
  expect(stderr).not.toContain('MaxListenersExceededWarning')
  expect(report.numFailedTests).toBe(0)
  expect(intervals).toHaveLength(handOuts)
  expect(intervals.filter(({ to }) => to === undefined)).toEqual([])
  expect(overlaps(intervals)).toEqual([])
}

/** The slices that were ever leased: each has a journal. */
const journals = (project: FixtureProject) =>
  readdirSync(project.lockDirectory).filter((name) => name.endsWith('.ndjson'))

const isAnyHeld = async (project: FixtureProject) =>
  (await listSlices({ lockDirectory: project.lockDirectory })).some(
    ({ state, holder }) => state === 'held' && holder !== undefined,
  )

const testsOf = ({ report }: Run) => report.testResults.flatMap((file) => file.assertionResults)

const POOLS = ['forks', 'threads', 'vmForks', 'vmThreads']

describe.each(firstOf(POOLS, 2))('the pool %s', (pool) => {
  test.each(
    firstOf(pool === 'threads' ? ['--no-isolate', '--isolate'] : ['--isolate', '--no-isolate']),
  )('with %s: unique ports, no slice kept', async (isolate) => {
    const files = 12
    const project = projects.project({
      'vitest.config.js': CONFIG(),
      ...testFiles(files, SERVING_TESTS),
    })
    expectUnique(await run(project, [`--pool=${pool}`, isolate]), files * SERVED)
    expect(await isAnyHeld(project)).toBe(false)
  })
})

describe.runIf(TEST_ALL)('a run of many files loses no slice', () => {
  const FILES = 100
  const ONE_TEST = `
    import { test } from '@portslice/vitest-plugin/test'
    test('has a port', async ({ port }) => { if (!port) throw new Error('none') })`

  // A worker that is reused keeps its one slice, even with new modules and globals.
  test.each([
    ['vmThreads', '--isolate'],
    ['forks', '--no-isolate'],
    ['vmForks', '--isolate'],
    ['threads', '--no-isolate'],
  ] as const)('%s %s: as many slices as workers', async (pool, isolate) => {
    const project = projects.project({
      'vitest.config.js': CONFIG(),
      ...testFiles(FILES, ONE_TEST),
    })
    const outcome = await run(project, [`--pool=${pool}`, isolate, '--maxWorkers=2'])
    expect(outcome.report.numPassedTests, outcome.stdout + outcome.stderr).toBe(FILES)
    expect(journals(project)).toHaveLength(2)
    expect(outcome.stderr).not.toContain('MaxListenersExceededWarning')
    expect(await isAnyHeld(project)).toBe(false)
  })

  // Where each file has a worker of its own, a slice comes back with its end. One that ends
  // late costs the next a step aside, so some more slices than workers are seen, but not one for each file.
  test.each(['forks', 'threads'])('%s --isolate: slices come back', async (pool) => {
    const project = projects.project({
      'vitest.config.js': CONFIG(),
      ...testFiles(FILES, ONE_TEST),
    })
    const outcome = await run(project, [`--pool=${pool}`, '--isolate', '--maxWorkers=2'])
    expect(outcome.report.numPassedTests, outcome.stdout + outcome.stderr).toBe(FILES)
    expect(journals(project).length).toBeLessThan(20)
    expect(await isAnyHeld(project)).toBe(false)
  })
})

test('several projects with their own options in one run, beside another run', async () => {
  const files = {
    'vitest.config.js': `
      import portslice from '@portslice/vitest-plugin'
      const project = (name, test, options) => ({
        plugins: [portslice(options)],
        test: { name, include: ['tests/*.test.js'], ...test },
      })
      export default { test: { maxWorkers: 4, projects: [
        project('forks', { pool: 'forks' }, { order: 'random' }),
        project('threads', { pool: 'threads', isolate: false }, {}),
        project('vm', { pool: 'vmThreads' }, { timeWaitGuard: 'always' }),
      ] } }`,
    ...testFiles(5, SERVING_TESTS),
  }
  const [one, two] = [projects.project(files), projects.project(files)]
  const runs = await Promise.all([run(one), run(two)])
  for (const outcome of runs) expectUnique(outcome, 3 * 5 * SERVED)
  expect(overlaps(runs.flatMap(({ intervals }) => intervals))).toEqual([])
})

test('the fixtures work without the plugin, and with another `test`', async () => {
  const ownTest = SERVING_TESTS.replace(
    "import { test } from '@portslice/vitest-plugin/test'",
    `import { test as base } from 'vitest'
     import { portFixtures } from '@portslice/vitest-plugin/test'
     const test = base.extend(portFixtures).extend({
       url: async ({ port }, use) => { await use('http://localhost:' + port) },
     })
     test('builds on the port', ({ port, url }) => expect(url).toBe('http://localhost:' + port))`,
  )
  const project = projects.project({
    'tests/plain.test.js': SERVING_TESTS,
    'tests/own.test.js': ownTest,
  })
  expectUnique(await run(project), 2 * SERVED)
})

test('takePort of @portslice/core shares the slice of the fixtures, and the range of the plugin', async () => {
  const project = projects.project({
    'vitest.config.js': CONFIG('', '{ range: [24000, 24999] }'),
    'tests/core.test.js': `
      import { expect } from 'vitest'
      import { takePort } from '@portslice/core'
      import { test } from '@portslice/vitest-plugin/test'
      test('x', async ({ port }) => {
        const other = await takePort()
        expect(port).toBeGreaterThanOrEqual(24000)
        expect(port).toBeLessThanOrEqual(24999)
        expect(other >> 5).toBe(port >> 5)
        expect(other).not.toBe(port)
      })`,
  })
  const outcome = await run(project)
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
  expect(journals(project)).toHaveLength(1)
})

describe('tests that replace clocks and globals', () => {
  const FAKE_TIME = `${BEGIN}
    import { afterEach, beforeEach } from 'vitest'
    afterEach(() => { vi.useRealTimers() })
    test('fake timers', async ({ takePort, portAllocator }) => {
      vi.useFakeTimers({ now: new Date('2099-01-01') })
      const port = await takePort()
      const recordRelease = recorder.recordTake(port)
      await vi.advanceTimersByTimeAsync(3_600_000)
      const lease = await portAllocator.take({ label: 'under fake timers' })
      expect(lease.port).not.toBe(port)
      await lease.release()
      recordRelease()
    })
    test('fake timers from before the fixture', async ({ port }) => serveLate(port))
    test('a system time of its own', async ({ takePort }) => {
      vi.setSystemTime(0)
      await serveLate(await takePort())
    })`
  const FAKED_FIRST = `import { vi } from 'vitest'\nvi.useFakeTimers({ now: 0 })\n`

  test.each(firstOf(['vmThreads', 'forks', 'threads', 'vmForks']))(
    'fake timers and dates, in %s',
    async (pool) => {
      const project = projects.project({
        'vitest.config.js': CONFIG(`setupFiles: ['fake.js']`),
        'fake.js': FAKED_FIRST,
        ...testFiles(3, FAKE_TIME),
      })
      const outcome = await run(project, [`--pool=${pool}`])
      expectUnique(outcome, 3 * 3)
      // Times in the journals are those of the machine, not of the tests' fake clocks.
      for (const name of journals(project)) {
        for (const line of readFileSync(`${project.lockDirectory}/${name}`, 'utf8')
          .trim()
          .split('\n')) {
          const { at } = JSON.parse(line) as { at: string }
          expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(3_600_000)
        }
      }
    },
  )

  test.each(
    firstOf([
      ['jsdom', 'vmThreads'],
      ['happy-dom', 'forks'],
      ['jsdom', 'forks'],
      ['happy-dom', 'vmThreads'],
    ] as const),
  )('the environment %s, in %s', async (environment, pool) => {
    const project = projects.project({
      'vitest.config.js': CONFIG(`environment: '${environment}'`),
      ...testFiles(
        4,
        `${SERVING_TESTS}
        test('is in a page', () => expect(typeof document.body).toBe('object'))
        test('takes the signal of a page', async ({ takePort }) => {
          await takePort({ signal: new AbortController().signal })
          const gone = takePort({ signal: AbortSignal.abort() })
          await expect(gone).rejects.toBeDefined()
        })`,
      ),
    })
    expectUnique(await run(project, [`--pool=${pool}`]), 4 * SERVED)
  })
})

describe('a port that a test leaves in use', () => {
  const LEAKING = `
    import http from 'node:http'
    import { once } from 'node:events'
    import { describe, expect } from 'vitest'
    import { test } from '@portslice/vitest-plugin/test'
    let left
    describe('suite', () => {
      test('forgets its server', async ({ port }) => {
        left = port
        await once(http.createServer().listen(port), 'listening')
        console.log('left:' + port + ':')
      })
    })
    for (let i = 0; i < 40; i++) test('another ' + i, ({ port }) => expect(port).not.toBe(left))`
  const leftPort = ({ stdout }: Run) => /left:(\d+):/.exec(stdout)?.[1] ?? 'none was left'

  test('is not handed out again; a report at the end names the test and the port', async () => {
    const project = projects.project({ 'vitest.config.js': CONFIG(), 'a.test.js': LEAKING })
    const outcome = await run(project)
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stderr).toContain(
      `a.test.js > suite > forgets its server left port ${leftPort(outcome)} in use`,
    )
    expect(testsOf(outcome)[0]?.meta).toMatchObject({
      portslice: { leaked: [{ port: Number(leftPort(outcome)) }] },
    })
  })

  test('fails only its test with `onLeak: fail`', async () => {
    const project = projects.project({
      'vitest.config.js': CONFIG('', `{ onLeak: 'fail' }`),
      'a.test.js': LEAKING,
    })
    const outcome = await run(project)
    expect(outcome.status).toBe(1)
    const failed = testsOf(outcome).filter(({ status }) => status === 'failed')
    expect(failed.map(({ title }) => title)).toEqual(['forgets its server'])
    expect(failed[0]?.failureMessages.join()).toContain(`left port ${leftPort(outcome)} in use`)
  })

  test.runIf(TEST_ALL)('of a worker causes a warning at the end of the worker', async () => {
    const project = projects.project({
      'vitest.config.js': CONFIG(),
      'a.test.js': LEAKING.replace('{ port }', '{ workerPort: port }'),
    })
    const outcome = await run(project)
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stderr).toContain(`A worker left port ${leftPort(outcome)} in use`)
  })

  test.runIf(TEST_ALL)('is not reported with `onLeak: ignore`', async () => {
    const project = projects.project({
      'vitest.config.js': CONFIG('', `{ onLeak: 'ignore' }`),
      'a.test.js': LEAKING,
    })
    const outcome = await run(project)
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stderr + outcome.stdout).not.toContain('portslice:')
  })

  test.runIf(TEST_ALL)('causes a warning in its test without the plugin', async () => {
    const project = projects.project({ 'a.test.js': LEAKING })
    const outcome = await run(project)
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stderr).toContain(
      `portslice: The test "suite > forgets its server" left port ${leftPort(outcome)} in use`,
    )
  })

  test.runIf(TEST_ALL)('is reported by the globalSetup, too', async () => {
    const project = projects.project({
      'vitest.config.js': `export default { test: { globalSetup: '@portslice/vitest-plugin/global-setup' } }`,
      'a.test.js': LEAKING,
    })
    const outcome = await run(project)
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stderr).toContain(`forgets its server left port ${leftPort(outcome)} in use`)
  })
})

describe('invalid input is refused before any worker starts', () => {
  const STARTED = `console.log('a worker has started')
    import { test } from '@portslice/vitest-plugin/test'
    test('x', ({ port }) => {})`
  const SETUPS = [
    ['the plugin', CONFIG()],
    [
      'the globalSetup',
      `export default { test: { globalSetup: '@portslice/vitest-plugin/global-setup' } }`,
    ],
  ] as const

  test.each(
    firstOf([
      [`{ rnage: [20000, 29999] }`, 'There is no option `rnage`'],
      [`{ range: [20000, 20010] }`, 'no complete slice'],
      [`{ onLeak: 'maybe' }`, 'onLeak'],
      ['20000', 'The options are 20000'],
      ['null', 'The options are null'],
      [`{ shard: { index: 3, total: 2 } }`, 'is not a shard'],
      [`{ waitTimeout: 'long' }`, 'waitTimeout'],
    ]),
  )('options: %s', async (options, words) => {
    const project = projects.project({
      'vitest.config.js': CONFIG('', options),
      'a.test.js': STARTED,
    })
    const { status, stdout, stderr } = await run(project)
    expect(status).toBe(1)
    expect(stdout + stderr).toContain(words)
    expect(stdout + stderr).toMatch(/ERR_PORTSLICE_\w+_INVALID/)
    expect(stdout).not.toContain('a worker has started')
  })

  describe.each(
    firstOf([
      [{ PORTSLICE_RANGE: 'abc' }, '$PORTSLICE_RANGE'],
      [{ PORTSLICE_SHARD: '5/4' }, '$PORTSLICE_SHARD'],
      [{ PORTSLICE_LOCK_DIR: import.meta.filename }, 'is not a directory'],
    ]),
  )('variables: %j', (env, words) => {
    test.each(SETUPS)('with %s', async (_, config) => {
      const project = projects.project({ 'vitest.config.js': config, 'a.test.js': STARTED })
      const { status, stdout, stderr } = await run(project, [], { env })
      expect(status).toBe(1)
      expect(stdout + stderr).toContain(words)
      expect(stdout).not.toContain('a worker has started')
    })

    test('with neither, at first use', async () => {
      const project = projects.project({ 'a.test.js': STARTED })
      const outcome = await run(project, [], { env })
      expect(outcome.status).toBe(1)
      expect(testsOf(outcome)[0]?.failureMessages.join()).toContain(words)
    })
  })
})

test("vitest's own --shard decides which part of the range is tried first", async () => {
  const project = projects.project({
    'vitest.config.js': CONFIG('', '{ range: [20000, 29999] }'),
    ...testFiles(4, SERVING_TESTS),
  })
  const record = (name: string) => ({
    env: { RECORD: project.file(name), PORTSLICE_LOCK_DIR: project.file(`${name}-locks`) },
  })
  const outcomes = await Promise.all(
    ['1/2', '2/2'].map((shard, i) => run(project, [`--shard=${shard}`], record(`shard-${i}`))),
  )
  for (const { status, stdout, stderr } of outcomes) expect(status, stdout + stderr).toBe(0)
  const [one, two] = [0, 1].map((i) =>
    readIntervals(project.file(`shard-${i}`)).map(({ port }) => port),
  )
  expect(one?.length).toBe(2 * SERVED)
  expect(two?.length).toBe(2 * SERVED)
  expect(Math.max(...(one as number[]))).toBeLessThan(Math.min(...(two as number[])))
})

test.runIf(TEST_ALL)('more CI jobs or vitest shards than slices do not fail', async () => {
  const project = projects.project({
    'vitest.config.js': CONFIG('', '{ range: [20000, 20999] }'), // 31 slices
    ...testFiles(2, SERVING_TESTS),
  })
  for (const [args, env] of [
    [[], { CI_NODE_INDEX: '1', CI_NODE_TOTAL: '40' }],
    [[], { CI_NODE_INDEX: '7', CI_NODE_TOTAL: '3' }],
    [['--shard=1/40', '--passWithNoTests'], {}],
  ] as const) {
    const record = { RECORD: project.file('intervals.ndjson') }
    const { status, stdout, stderr } = await run(project, [...args], {
      env: { ...record, ...env },
    })
    expect(status, stdout + stderr).toBe(0)
  }
})

test.runIf(TEST_ALL)(
  "with vitest's own --shard, fixtures and takePort() share one slice",
  async () => {
    const project = projects.project({
      'vitest.config.js': CONFIG('', '{ range: [20000, 29999] }'),
      ...testFiles(
        2,
        `import { takePort } from '@portslice/core'
       import { test } from '@portslice/vitest-plugin/test'
       import { expect } from 'vitest'
       const slice = (port) => Math.floor(port / 32)
       test('one slice', async ({ port }) => {
         expect(process.env.PORTSLICE_RUNNER_SHARD).toBe('2/2')
         expect(slice(await takePort())).toBe(slice(port))
       })`,
      ),
    })
    const { status, stdout, stderr } = await run(project, ['--shard=2/2'])
    expect(status, stdout + stderr).toBe(0)
  },
)

test('fewer slices than workers cause a warning', async () => {
  const project = projects.project({
    'vitest.config.js': CONFIG('', '{ range: [20000, 20070] }'),
    'a.test.js': SERVING_TESTS,
  })
  const { stderr, stdout } = await run(project)
  expect(stdout + stderr).toContain('the range has 2 slices of 32 ports for up to 3 workers')
})

test('watch mode: each rerun has unique ports, and no slice is lost', async () => {
  const project = projects.project({
    'vitest.config.js': CONFIG(),
    ...testFiles(3, SERVING_TESTS),
  })
  const record = project.file('intervals.ndjson')
  await using watching = project.start('vitest', 'vitest.mjs', ['watch'], {
    env: { RECORD: record },
  })
  const runs = 4
  for (let i = 1; i <= runs; i++) {
    await watching.stdout.until(
      (text) => text.split('Waiting for file changes').length > i || null,
      'Waiting for file changes',
    )
    // A change of all files, so that the second run has three as well.
    if (i < runs) {
      for (const name of readdirSync(project.file('tests'))) {
        appendFileSync(project.file(`tests/${name}`), `\n// change ${i}`)
      }
    }
  }
  const intervals = readIntervals(record)
  expect(intervals.length).toBeGreaterThanOrEqual((runs - 1 + 3) * SERVED)
  expect(overlaps(intervals)).toEqual([])
  expect(journals(project).length).toBeLessThanOrEqual(6)
})
