/** The reporters that write when which test had which port, on the real runners and in a browser. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Browser, Page } from '@playwright/test'
import { listen } from '@portslice/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openChromium } from '../support/chromium.ts'
import { playwright } from '../support/playwright-run.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
let browser: Browser

beforeAll(async () => {
  browser = await openChromium()
})
afterAll(async () => {
  await browser.close()
  projects[Symbol.dispose]()
})

const OCCUPY_PORT = fileURLToPath(new URL('processes/occupy-port.ts', import.meta.url))
/** Combining marks without a letter have a width, but lines are not broken at them. */
const MARKS = '\u0301\u0488\u030a\u0334'.repeat(50)
const HOSTILE = `</script><img src=x onerror="document.title='hostile'"> \u001b[31mred \u202e${MARKS}`

/**
 * Starts a program that does not belong to the run, and listens on the port that a test asks for
 * with a request to the URL.
 */
async function startForeignProgram(): Promise<string> {
  const foreign = spawn(process.execPath, [OCCUPY_PORT], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void foreign.kill())
  const lines = createInterface({ input: foreign.stdout })
  const server = createServer(async (request, response) => {
    foreign.stdin.write(`${request.url?.slice(1)}\n`)
    await once(lines, 'line')
    response.end('occupied')
  })
  onTestFinished(() => void server.close())
  const { port } = await listen(server)
  return `http://127.0.0.1:${port}/`
}

const TESTS = (importTest: string) => `
  ${importTest}
  import http from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'

  async function serve(port) {
    const server = http.createServer((_, response) => response.end('served'))
    server.listen(port)
    await once(server, 'listening')
    return server
  }

  test('serves ' + ${JSON.stringify(HOSTILE)}, async ({ takePort }) => {
    const server = await serve(await takePort({ label: 'api ' + ${JSON.stringify(HOSTILE)} }))
    await sleep(100)
    server.close()
    await once(server, 'close')
  })

  test('finds a foreign program', async ({ port }) => {
    await fetch(process.env.OCCUPY_PORT + port)
    await serve(port)
  })

  test('leaks', async ({ port }) => { await serve(port) })

  test('uses no port', () => {})`

interface Read {
  title: string
  text: string | null
  images: number
}

async function openReport(file: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const page = await browser.newPage(options)
  onTestFinished(() => page.close())
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto(pathToFileURL(file).href)
  await page.getByRole('heading', { name: 'Ports of a run' }).waitFor()
  return { page, errors }
}

async function read(page: Page): Promise<Read> {
  return {
    title: await page.title(),
    text: await page.locator('main').textContent(),
    images: await page.locator('img').count(),
  }
}

/** Checks that the page alone has what a ticket about a flaky test needs. */
async function expectAnswers(file: string) {
  expect(readFileSync(file, 'utf8')).not.toMatch(/(?:src|href)=["']?https?:/)
  const { page, errors } = await openReport(file)
  const { title, text, images } = await read(page)
  expect({ title, images, errors }).toEqual({ title: 'Ports of a run', images: 0, errors: [] })

  const findings = page.locator('.findings')
  const foreign = findings.getByText(/finds a foreign program" was used by ".*occupy-port.*pid \d+/)
  expect(await foreign.textContent()).toMatch(
    /which the worker has not started, [\d.]+ m?s after it was handed out, and the test's own server failed with EADDRINUSE/,
  )
  expect(
    await findings.getByText(/still listened on port \d+ when the test ".*leaks"/).count(),
  ).toBe(1)
  // The timeline leads to the test, which tells what happened to its port.
  await page.locator('.timeline .foreign').first().waitFor()
  const failed = page.locator('.test', { hasText: 'finds a foreign program' }).first()
  expect(await failed.textContent()).toMatch(/handed out after.*found in use: .*occupy-port/s)
  expect(await failed.locator('pre').first().textContent()).toContain('EADDRINUSE')

  expect(text).toContain('</script><img src=x onerror=')
  expect(text).toContain('\\u001b[31mred')
  expect(text).toContain('3 tests with ports, 1 without.')
  const own = page.locator('.test', { hasText: '</script>' }).first()
  await own.locator('summary').click()
  expect(await own.textContent()).toMatch(/api <\/script>.*listening: the process of the test/s)

  await page.setViewportSize({ width: 390, height: 800 })
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
}

const LEAVES_WORKER_PORT = (importTest: string) => `
  ${importTest}
  import { once } from 'node:events'
  import { createServer } from 'node:net'
  test('binds the port of its worker', async ({ workerPort }) => {
    await once(createServer().listen(workerPort).unref(), 'listening')
  })`

/** Found after the last test, when the worker ends. */
async function expectLeakOfWorker(file: string) {
  const { page } = await openReport(file)
  const leak = page.locator('.findings').getByText(/A process still listened on port \d+ when/)
  expect(await leak.textContent()).toContain(' when worker 1 (worker port) gave it back')
  expect(await page.locator('.timeline .port-bar.leaked').textContent()).toMatch(
    /worker port leaked/,
  )
}

describe('vitest', () => {
  test.each(firstOf(['forks', 'threads']))('explains a flaky test (%s)', async (pool) => {
    const project: FixtureProject = projects.project({
      'vitest.config.js': `
        import portslice from '@portslice/vitest-plugin'
        export default {
          plugins: [portslice()],
          test: {
            pool: ${JSON.stringify(pool)},
            reporters: ['default', '@portslice/vitest-plugin/reporter'],
          },
        }`,
      'a.test.js': TESTS(`import { test } from '@portslice/vitest-plugin/test'`),
    })
    const run = await project.vitest([], { env: { OCCUPY_PORT: await startForeignProgram() } })
    expect(run.status, run.stdout + run.stderr).toBe(1)
    expect(run.stderr).toContain(
      `the report of the ports is in ${project.file('portslice-report.html')}`,
    )
    await expectAnswers(project.file('portslice-report.html'))
  })

  test.each(['forks', 'threads'])('names a port that its worker left in use (%s)', async (pool) => {
    const project = projects.project({
      'vitest.config.js': `export default {
        test: { pool: ${JSON.stringify(pool)}, reporters: ['default', '@portslice/vitest-plugin/reporter'] },
      }`,
      'a.test.js': LEAVES_WORKER_PORT(`import { test } from '@portslice/vitest-plugin/test'`),
    })
    const run = await project.vitest()
    expect(run.status, run.stdout + run.stderr).toBe(0)
    await expectLeakOfWorker(project.file('portslice-report.html'))
  })

  test('says in task.meta which ports each test had', async () => {
    const project = projects.project({
      'vitest.config.js': `export default {}`,
      'a.test.js': `
        import { test } from '@portslice/vitest-plugin/test'
        test('two', async ({ port, takePort, workerPort }) => {
          console.log('ports:' + [port, await takePort({ label: 'api' }), workerPort] + ':')
        })
        test('none', () => {})`,
    })
    const file = project.file('report.json')
    const run = await project.vitest([
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ])
    expect(run.status, run.stdout + run.stderr).toBe(0)
    const [first, second, ofWorker] = /ports:([\d,]+):/.exec(run.stdout)?.[1]?.split(',') ?? []
    const report = JSON.parse(readFileSync(file, 'utf8'))
    const [two, none] = report.testResults[0].assertionResults
    expect(two.meta.portslice).toMatchObject({
      leaked: [],
      ports: [
        { port: Number(first), releasedAt: expect.any(Number) },
        { port: Number(second), label: 'api', takenAt: expect.any(Number) },
      ],
      worker: { id: 1, ports: [{ port: Number(ofWorker), label: 'worker port' }] },
    })
    expect(none.meta.portslice?.ports ?? []).toEqual([])
    expect(existsSync(project.file('portslice-report.html'))).toBe(false)
  })
})

describe('Playwright', () => {
  const CONFIG = (file: string) => `
    import { defineConfig } from '@playwright/test'
    export default defineConfig({
      reporter: [['list'], ['@portslice/playwright-fixture/reporter', { outputFile: ${JSON.stringify(file)} }]],
    })`

  test('explains a flaky test', async () => {
    const project = projects.project({
      'playwright.config.js': CONFIG('reports/ports.html'),
      'a.spec.js': TESTS(`import { test } from '@portslice/playwright-fixture'`),
    })
    const run = await project.playwright([], { env: { OCCUPY_PORT: await startForeignProgram() } })
    expect(run.status, run.stdout + run.stderr).toBe(1)
    await expectAnswers(project.file('reports/ports.html'))
  })

  test('names a port that its worker left in use', async () => {
    const project = projects.project({
      'playwright.config.js': CONFIG('ports.html'),
      'a.spec.js': LEAVES_WORKER_PORT(`import { test } from '@portslice/playwright-fixture'`),
    })
    const run = await project.playwright()
    expect(run.status, run.stdout + run.stderr).toBe(0)
    await expectLeakOfWorker(project.file('ports.html'))
  })

  test.runIf(TEST_ALL)(
    'annotations say which ports each test had; no attachment without the reporter',
    async () => {
      const project = projects.project({
        'a.spec.js': `
        import { test } from '@portslice/playwright-fixture'
        test('two', async ({ port, takePort }, testInfo) => {
          const ports = [port, await takePort({ label: 'api' })]
          testInfo.annotations.push({ type: 'facts', description: ports.join() })
        })
        test('none', () => {})`,
      })
      const { tests } = await playwright(project)
      const [two, none] = tests.map(({ results }) => results[0])
      const described = (type: string) =>
        two?.annotations.find((annotation) => annotation.type === type)?.description
      const [first, second] = described('facts')?.split(',') ?? []
      expect(described('ports')).toBe(`${first}, ${second} (api)`)
      expect(two?.attachments).toEqual([])
      expect(none?.annotations).toEqual([])
    },
  )
})
