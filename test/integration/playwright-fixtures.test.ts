/** Playwright's fixtures: leaked ports, and fixtures that are combined with others, required, or used with a browser. */
import { afterAll, expect, test } from 'vitest'
import { chromiumLaunch } from '../support/chromium.ts'
import {
  type Annotation,
  APP,
  config,
  expectAllPassed,
  factsOf,
  playwright,
  TEST_TIMEOUT,
} from '../support/playwright-run.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

test('reports a port on which a test leaves a server, and does not hand it out again', {
  timeout: TEST_TIMEOUT,
}, async () => {
  const project = projects.project({
    'app.ts': APP,
    'playwright.config.ts': config(`
      workers: 1,
      projects: [
        { name: 'default' },
        { name: 'fail', use: { portslice: { onLeak: 'fail' } } },
        { name: 'ignore', use: { portslice: { onLeak: 'ignore' } } },
      ],
    `),
    'leak.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { serve, reportFacts } from './app.ts'

      test('leaves a server', async ({ port, takePort }, testInfo) => {
        await using closed = await serve(port)
        const left = await takePort({ label: 'api' })
        await serve(left)
        reportFacts(testInfo, { left })
      })

      test('takes more ports than a slice has', async ({ takePort }, testInfo) => {
        const ports: number[] = []
        for (let i = 1; i <= 40; i++) ports.push(await takePort())
        reportFacts(testInfo, { ports })
      })
    `,
  })

  const run = await playwright(project)

  const outcome = Object.fromEntries(
    ['default', 'fail', 'ignore'].map((name) => {
      const [leak, next] = run.tests
        .filter((test) => test.project === name)
        .map(({ results }) => results[0])
      if (!leak || !next) throw new Error(`The tests of ${name} were not run.`)
      return [name, { leak, next, left: factsOf<{ left: number }>(leak).left }]
    }),
  ) as Record<'default' | 'fail' | 'ignore', LeakOutcome>
  expect(run.tests).toHaveLength(6)
  expect(run.status, 'one test is to fail').toBe(1)

  const { default: warned, fail, ignore } = outcome
  expect(warned.leak.status).toBe('passed')
  expect(ours(warned.leak.annotations)).toEqual([
    {
      type: 'portslice',
      description: expect.stringMatching(
        RegExp(
          `^The test "leak\\.spec\\.ts > leaves a server" left port ${warned.left} \\("api"\\) in use`,
        ),
      ),
    },
  ])

  expect(fail.leak.status).toBe('failed')
  expect(fail.leak.errors).toHaveLength(1)
  expect(fail.leak.errors[0]?.message).toMatch(
    `The test "leak.spec.ts > leaves a server" left port ${fail.left} ("api") in use`,
  )
  expect(ours(fail.leak.annotations)).toEqual([])

  expect(ignore.leak.status).toBe('passed')
  expect(ours(ignore.leak.annotations)).toEqual([])

  for (const { next } of Object.values(outcome)) {
    expect(next.status).toBe('passed')
    expect(ours(next.annotations)).toEqual([])
  }
  // The failure ends its worker, and the server with it; in the others the worker continues.
  for (const { leak, next, left } of [warned, ignore]) {
    expect(next.workerIndex).toBe(leak.workerIndex)
    expect(factsOf<{ ports: number[] }>(next).ports).not.toContain(left)
  }
})

test(
  'EADDRINUSE on a port of the worker says which test has left its server',
  async () => {
    const project = projects.project({
      'playwright.config.ts': `
        import { defineConfig } from '@playwright/test'
        export default defineConfig({ workers: 1 })`,
      'a.spec.ts': `
        import { once } from 'node:events'
        import { createServer } from 'node:http'
        import { expect, test } from '@portslice/playwright-fixture'
        const listen = async (port: number) => once(createServer().listen(port), 'listening')
        test('leaves its server', async ({ workerPort }) => { await listen(workerPort) })
        test('wants the port', async ({ workerPort }) => {
          const error = await listen(workerPort).catch((error) => error)
          expect(error.code).toBe('EADDRINUSE')
          expect(error.message).toContain('portslice: port ' + workerPort + ' has been bound since ')
          expect(error.message).toContain('by this same process, left by the test "a.spec.ts > leaves its server"')
          expect(error.stack).toContain(error.message)
        })`,
    })
    expectAllPassed(await playwright(project), 2)
  },
  TEST_TIMEOUT,
)

test.runIf(TEST_ALL)(
  'a port that a worker leaves in use fails the run, with `onLeak: fail`',
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    const project = projects.project({
      'app.ts': APP,
      'playwright.config.ts': config("use: { portslice: { onLeak: 'fail' } }"),
      'leak.spec.ts': `
      import { test } from '@portslice/playwright-fixture'
      import { serve } from './app.ts'
      test('leaves a server', async ({ workerPort }) => { await serve(workerPort) })
    `,
    })

    const run = await playwright(project)

    expect(run.status).toBe(1)
    expect(run.stdout + run.stderr).toMatch('A worker left port')
  },
)

interface LeakOutcome {
  /** The result of the test that leaks. */
  leak: Awaited<ReturnType<typeof playwright>>['tests'][number]['results'][0]
  /** The result of the next test. */
  next: LeakOutcome['leak']
  /** The leaked port. */
  left: number
}

/** The annotations that portslice has made. */
function ours(annotations: readonly Annotation[]): Annotation[] {
  return annotations.filter(({ type }) => type === 'portslice')
}

test.runIf(TEST_ALL)(
  'the fixtures can be combined with others',
  { timeout: TEST_TIMEOUT },
  async () => {
    const project = projects.project({
      'app.ts': APP,
      'playwright.config.ts': config('workers: 1'),
      'together.spec.ts': `
      import { expect, mergeTests, test as base } from '@playwright/test'
      import { portFixtures, test as portTest } from '@portslice/playwright-fixture'
      import type { PortTestFixtures, PortWorkerFixtures } from '@portslice/playwright-fixture'
      import { serve } from './app.ts'

      const greetingTest = base.extend<{ greeting: string }>({
        greeting: async ({}, use) => use('hello'),
      })
      const merged = mergeTests(portTest, greetingTest)
      merged('merged', async ({ port, greeting, request }) => {
        await using app = await serve(port)
        expect(greeting).toBe('hello')
        const response = await request.get('http://127.0.0.1:' + port)
        expect(await response.text()).toBe('the app on ' + port)
      })

      const extended = base
        .extend<PortTestFixtures, PortWorkerFixtures>(portFixtures)
        .extend<{ address: string }>({
          address: async ({ port }, use) => {
            await using app = await serve(port)
            await use('http://127.0.0.1:' + port)
          },
        })
      extended('extended', async ({ address, port, portAllocator, request, workerPort }) => {
        const response = await request.get(address)
        expect(await response.text()).toBe('the app on ' + port)
        await using own = await portAllocator.take()
        expect(new Set([port, workerPort, own.port]).size).toBe(3)
      })
    `,
    })

    expectAllPassed(await playwright(project), 2)
  },
)

test.runIf(TEST_ALL)('a CommonJS project can use them', { timeout: TEST_TIMEOUT }, async () => {
  const project = projects.project({
    'package.json': '{ "private": true }',
    'playwright.config.ts': config('fullyParallel: true, workers: 2'),
    'commonjs.spec.ts': `
      import { once } from 'node:events'
      import { createServer } from 'node:http'
      import { expect, test } from '@portslice/playwright-fixture'

      for (const name of ['one', 'two']) {
        test(name, async ({ port, workerPort, request }) => {
          expect(typeof require, 'this is CommonJS').toBe('function')
          const server = createServer((_, response) => response.end('required'))
          server.listen(port)
          await once(server, 'listening')
          const response = await request.get('http://127.0.0.1:' + port)
          expect(await response.text()).toBe('required')
          expect(workerPort).not.toBe(port)
          server.close()
          server.closeAllConnections()
        })
      }
    `,
  })

  const run = await playwright(project)

  expectAllPassed(run, 2)
  for (const { results } of run.tests) expect(ours(results[0].annotations)).toEqual([])
})

test('a browser opens the app on the port', { timeout: TEST_TIMEOUT }, async () => {
  const project = projects.project({
    'app.ts': APP,
    'playwright.config.ts': config(`
      workers: 1,
      use: { launchOptions: ${JSON.stringify(await chromiumLaunch())} },
    `),
    'page.spec.ts': `
      import { expect, test } from '@portslice/playwright-fixture'
      import { serve } from './app.ts'

      test('shows it', async ({ page, port }) => {
        await using app = await serve(port)
        await page.goto('http://localhost:' + port)
        await expect(page.locator('body')).toHaveText('the app on ' + port)
      })
    `,
  })

  expectAllPassed(await playwright(project), 1)
})
