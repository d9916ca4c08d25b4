/** Apps of Playwright's workers: one or several each, their output, and crashes. */
import { afterAll, expect, test } from 'vitest'
import {
  config,
  expectAllPassed,
  factsOf,
  playwright,
  type Result,
  TEST_TIMEOUT,
} from '../support/playwright-run.ts'
import { isRunning } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

/** An app that remembers what it was sent, can crash, and answers with its pid and environment. */
const SERVER = `
  import { createServer } from 'node:http'
  const notes = []
  createServer((request, response) => {
    if (request.url === '/crash') throw new Error('crashed by request')
    if (request.url.startsWith('/note/')) notes.push(request.url.slice(6))
    console.log('asked for ' + request.url)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ pid: process.pid, notes, env: process.env }))
  }).listen(process.env.PORT, () => console.log('serves'))
`
const COMMAND = JSON.stringify([process.execPath, 'server.js'])

/** The report of a test. */
const BEGIN = `
  import { expect, test } from '@portslice/playwright-fixture'
  const reportFacts = (testInfo, facts) => testInfo.annotations.push({ type: 'facts', description: JSON.stringify(facts) })
`

/** The attachments, without those that Playwright itself adds to a failure. */
const texts = ({ attachments }: Result) =>
  Object.fromEntries(
    attachments
      .filter(({ name }) => name.includes('app'))
      .map(({ name, body = '' }) => [name, Buffer.from(body, 'base64').toString()]),
  )

const notes = ({ annotations }: Result) =>
  annotations.filter(({ type }) => type === 'portslice').map(({ description }) => description)

test('each worker has its own app, and a base URL for it', { timeout: TEST_TIMEOUT }, async () => {
  const workers = 3
  const project = projects.project({
    'server.js': SERVER,
    'playwright.config.ts': config(
      `fullyParallel: true, workers: ${workers}, use: { app: { command: ${COMMAND}, ready: '/' } }`,
    ),
    'app.spec.ts': `${BEGIN}
      for (let i = 1; i <= 9; i++) {
        test('test ' + i, async ({ request, app, baseURL }, testInfo) => {
          expect(baseURL).toBe(app.url)
          const { workerIndex } = testInfo
          const { notes, pid } = await (await request.get('/note/' + workerIndex)).json()
          expect(new Set(notes)).toEqual(new Set([String(workerIndex)]))
          reportFacts(testInfo, { pid, port: app.port })
        })
      }
    `,
  })

  const run = await playwright(project)

  expectAllPassed(run, 9)
  const byWorker = Map.groupBy(run.tests, ({ results }) => results[0].workerIndex)
  expect(byWorker.size).toBeGreaterThan(1)
  const apps = [...byWorker.values()].map((tests) => {
    const seen = new Set(tests.map(({ results }) => JSON.stringify(factsOf(results[0]))))
    expect(seen.size, 'one app a worker').toBe(1)
    return JSON.parse([...seen][0] as string) as { pid: number; port: number }
  })
  expect(new Set(apps.map(({ port }) => port)).size).toBe(apps.length)
  expect(
    apps.filter(({ pid }) => isRunning(pid)),
    'none is left',
  ).toEqual([])
})

test('an app that crashed between tests is started again; what it printed goes with failures', {
  timeout: TEST_TIMEOUT,
}, async () => {
  const project = projects.project({
    'server.js': SERVER,
    'playwright.config.ts': config(`workers: 1, use: { app: { command: ${COMMAND} } }`),
    'app.spec.ts': `${BEGIN}
      test('is well', async ({ request, app }, testInfo) => {
        await request.get('/first')
        reportFacts(testInfo, { port: app.port })
      })
      test('crashes it', async ({ request, app }) => {
        await request.get('/crash').catch(() => {})
        await expect.poll(() => app.isRunning()).toBe(false)
      })
      test('has it again', async ({ request, app }, testInfo) => {
        expect((await request.get('/second')).status()).toBe(200)
        reportFacts(testInfo, { port: app.port })
      })
      test('fails', async ({ request }) => {
        await request.get('/third')
        expect(1).toBe(2)
      })
    `,
  })

  const { tests } = await playwright(project)

  const results = tests.map(({ results }) => results[0])
  expect(results.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed', 'failed'])
  const [well, crashing, again, failed] = results as [Result, Result, Result, Result]
  const { port } = factsOf<{ port: number }>(well)
  expect(factsOf(again)).toEqual({ port })
  expect(notes(again)).toEqual([
    `The app had ended before this test, and was started again on port ${port}.`,
  ])
  expect([well, crashing, failed].map(notes)).toEqual([[], [], []])
  expect(texts(again)).toEqual({
    'last output of the app': expect.stringContaining('Error: crashed by request'),
  })
  expect(texts(failed)).toEqual({ 'output of the app': 'asked for /third\n' })
  expect([well, crashing].map(texts)).toEqual([{}, {}])
})

test.runIf(TEST_ALL)(
  'several apps of a worker know each other, and the last is the one of the base URL',
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    const project = projects.project({
      'server.js': SERVER,
      'playwright.config.ts': config(`
      fullyParallel: true,
      workers: 2,
      use: { apps: { api: { command: ${COMMAND}, ready: '/' }, web: { command: ${COMMAND}, env: { API: 'http://localhost:{API_PORT}' } } } },
    `),
      'app.spec.ts': `${BEGIN}
      for (let i = 1; i <= 4; i++) {
        test('test ' + i, async ({ request, app, apps, baseURL }, testInfo) => {
          expect(app).toBe(apps.web)
          expect(baseURL).toBe(apps.web.url)
          const web = (await (await request.get('/')).json()).env
          const api = (await (await request.get(apps.api.url)).json()).env
          expect(web.API).toBe(apps.api.url)
          expect([web.PORT, web.API_PORT]).toEqual([api.WEB_PORT, api.PORT])
          reportFacts(testInfo, [apps.web.port, apps.api.port])
        })
      }
      test('fails', async ({ request, apps }) => {
        await request.get(apps.api.url + '/of-api')
        await request.get('/of-web')
        throw new Error('as it should')
      })
    `,
    })

    const { tests } = await playwright(project)

    const results = tests.map(({ results }) => results[0])
    expect(results.map(({ status }) => status)).toEqual([
      'passed',
      'passed',
      'passed',
      'passed',
      'failed',
    ])
    const ports = results.slice(0, 4).map((result) => factsOf<number[]>(result))
    const byWorker = new Map(
      results.slice(0, 4).map(({ workerIndex }, i) => [workerIndex, ports[i]]),
    )
    expect(new Set([...byWorker.values()].flat()).size).toBe(2 * byWorker.size)
    expect(texts(results[4] as Result)).toEqual({
      'output of the app "web"': expect.stringMatching(/asked for \/of-web\n$/),
      'output of the app "api"': expect.stringMatching(/asked for \/of-api\n$/),
    })
  },
)

test.runIf(TEST_ALL)(
  'without an app nothing changes; an app that does not start fails its tests',
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    const project = projects.project({
      'server.js': SERVER,
      'playwright.config.ts': config(`
      workers: 1,
      projects: [
        { name: 'none', testMatch: 'none.spec.ts' },
        { name: 'merged', testMatch: 'merged.spec.ts', use: { app: { command: ${COMMAND} } } },
        { name: 'url', testMatch: 'url.spec.ts', use: { baseURL: 'http://user.example', app: { command: ${COMMAND} } } },
        { name: 'broken', testMatch: 'broken.spec.ts', use: { app: { command: 'echo oh; exit 3' } } },
        { name: 'file', testMatch: ['use.spec.ts', 'misused.spec.ts'] },
        { name: 'both', testMatch: 'broken.spec.ts', use: { app: { command: ${COMMAND} }, apps: { web: { command: ${COMMAND} } } } },
      ],
    `),
      'none.spec.ts': `${BEGIN}
      import { existsSync } from 'node:fs'
      test('no base URL, and nothing leased', async ({ baseURL, request }) => {
        expect(baseURL).toBe(undefined)
        expect(existsSync(process.env.PORTSLICE_LOCK_DIR)).toBe(false)
      })
      test('no app', async ({ app }) => { app.url })
      test('no apps', async ({ apps }) => { apps.web })
    `,
      'url.spec.ts': `${BEGIN}
      test('the base URL of its user', async ({ baseURL, app, request }) => {
        expect(baseURL).toBe('http://user.example')
        expect((await request.get(app.url)).status()).toBe(200)
      })
    `,
      'broken.spec.ts': `${BEGIN}
      test('never starts', async ({ request }) => {})
    `,
      'merged.spec.ts': `
      import { expect, mergeTests, test as base } from '@playwright/test'
      import { test as ours } from '@portslice/playwright-fixture'
      const test = mergeTests(base.extend({ mine: 'mine' }), ours).extend({ url: async ({ app }, use) => use(app.url) })
      test('has all', async ({ mine, url, baseURL, request }) => {
        expect([mine, baseURL]).toEqual(['mine', url])
        expect((await request.get('/')).status()).toBe(200)
      })
    `,
      'use.spec.ts': `
      import { appFixture, expect, test } from '@portslice/playwright-fixture'
      test.use({ app: appFixture({ command: ${COMMAND} }) })
      test('an app of the file', async ({ request }) => expect((await request.get('/')).status()).toBe(200))
    `,
      'misused.spec.ts': `${BEGIN}
      test.use({ app: { command: ${COMMAND} } })
      test('options as an app', async ({ request }) => {})
    `,
    })

    const run = await playwright(project)

    const outcome = Object.fromEntries(
      run.tests.map(({ project, title, results: [{ status, errors }] }) => [
        `${project}: ${title}`,
        status === 'passed' ? status : errors[0]?.message,
      ]),
    )
    expect(outcome).toEqual({
      'none: no base URL, and nothing leased': 'passed',
      'merged: has all': 'passed',
      'none: no app': expect.stringContaining('There is no `app`: the config does not set it.'),
      'none: no apps': expect.stringContaining('use: { apps: { web: '),
      'url: the base URL of its user': 'passed',
      'broken: never starts': expect.stringMatching(
        /The app `echo oh; exit 3` ended with exit status 3 before it was ready\.\nIts last output:\n {2}oh\n/,
      ),
      'file: an app of the file': 'passed',
      'file: options as an app': expect.stringContaining('use `test.use({ app: appFixture('),
      'both: never starts': expect.stringContaining('The options `app` and `apps` are both set.'),
    })
  },
)
