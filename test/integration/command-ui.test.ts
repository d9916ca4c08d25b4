/** `portslice ui`, in a browser, and with requests of other programs. */
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from '@playwright/test'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch, openChromium } from '../support/chromium.ts'
import {
  COMMAND,
  type StartOptions,
  start,
  startFile,
  useLockDirectory,
} from '../support/command.ts'
import { NetworkNamespace } from '../support/namespaces.ts'
import { sliceForClaims } from '../support/own-slices.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

type Command = ReturnType<typeof start>

const script = (name: string) => fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url))

const HOSTILE = `<img src=x onerror="document.title='hostile'"> \u001b[31mred\u001b[0m \u202e\u{e0041}`
const SHOWN = `<img src=x onerror="document.title='hostile'"> \\u001b[31mred\\u001b[0m \\u202e\\u{e0041}`

function worktree(name: string): string {
  const root = path.join(temporaryFolder(), name)
  mkdirSync(path.join(root, '.git'), { recursive: true })
  return root
}

async function urlOf(ui: Command): Promise<string> {
  return (await ui.said(/^(http:\/\/127\.0\.0\.1:\d+\/\S+)\n/))[1] as string
}

/** Takes ports with the given labels. */
class Holder {
  readonly #process: Command

  constructor(settings: StartOptions) {
    this.#process = startFile(process.execPath, [script('take-labelled')], settings)
  }

  async take(label: string): Promise<number> {
    const line = once(this.#process.child.stdout as Readable, 'data')
    this.#process.child.stdin?.write(`${JSON.stringify(label)}\n`)
    return Number((await line)[0])
  }

  async end(): Promise<void> {
    this.#process.child.stdin?.end()
    this.#process.child.kill()
    await this.#process.ended
  }
}

async function open(browser: Browser, url: string, settings = {}) {
  const context = await browser.newContext(settings)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto(url)
  await page.getByRole('heading', { name: 'Range', exact: true }).waitFor()
  return { page, errors }
}

const lineOf = (page: Page, port: number) =>
  page.locator('.lines li').filter({ hasText: String(port) })

test('shows a run with its worktree, label and URL, as it changes; refuses requests of other sites', async () => {
  const root = worktree('shop-fix')
  const holder = new Holder({ ...options, cwd: root, env: { VITEST_POOL_ID: '3' } })
  const port = await holder.take(HOSTILE)
  const ui = start(['ui'], { ...options, cwd: worktree('elsewhere') })
  const url = await urlOf(ui)
  const browser = await openChromium()
  onTestFinished(() => browser.close())
  const { page, errors } = await open(browser, url)

  const project = page.locator('.root', { hasText: 'shop-fix' })
  await project.getByRole('heading', { name: 'vitest' }).waitFor()
  const line = lineOf(page, port)
  expect(await line.textContent()).toContain(`localhost:${port}listening${SHOWN}worker 3`)
  expect(await page.locator('img').count()).toBe(0)
  const opening = page.context().waitForEvent('page')
  await line.getByRole('link').click()
  const app = await opening
  await app.waitForLoadState()
  expect(await app.locator('body').textContent()).toBe(`served on ${port}`)

  const next = await holder.take('cart > adds')
  await lineOf(page, next).getByText('cart > adds').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('cart')
  await expect.poll(() => lineOf(page, port).count()).toBe(0)
  expect(await lineOf(page, next).count()).toBe(1)
  await page.keyboard.press('Escape')
  await lineOf(page, port).waitFor()
  await holder.end()
  await lineOf(page, next).getByText('quarantined').waitFor()
  expect({ errors, title: await page.title() }).toEqual({ errors: [], title: 'portslice' })

  const { port: own, pathname } = new URL(url)
  const request = async (headers: Record<string, string>, where = pathname, method = 'GET') => {
    const sent = http.request({ port: own, path: where, method, headers })
    sent.end()
    const [response] = (await once(sent, 'response')) as [http.IncomingMessage]
    response.resume()
    return response
  }
  const host = `127.0.0.1:${own}`
  const answered = await request({ host })
  expect(answered.statusCode).toBe(200)
  expect(answered.headers).toMatchObject({
    'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self';/),
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  })
  expect(answered.headers['content-security-policy']).not.toContain('unsafe')
  for (const headers of [
    { host: 'evil.example' },
    { host: `evil.example:${own}` },
    { host, origin: 'http://evil.example' },
    { host, origin: 'null' },
  ]) {
    for (const where of [pathname, `${pathname}events`, `${pathname}page.js`]) {
      expect((await request(headers, where)).statusCode, JSON.stringify(headers)).toBe(403)
    }
  }
  expect((await request({ host }, '/')).statusCode).toBe(403)
  expect((await request({ host }, pathname, 'POST')).statusCode).toBe(405)
  for (const file of ['../../etc/passwd', '..%2f..%2fetc/passwd', 'constructor', '__proto__']) {
    expect((await request({ host }, pathname + file)).statusCode, file).toBe(404)
  }

  ui.child.kill('SIGINT')
  expect(await ui.exited).toBe(0)
  await page.getByText('connection lost').waitFor()
})

test('serves on the port that it is told, and refuses one that is not a port', async () => {
  const { port } = await sliceForClaims(options.lockDirectory)
  const ui = start(['ui', '--port', String(port)], options)
  const url = await urlOf(ui)
  expect(url).toContain(`:${port}/`)
  expect((await fetch(url)).status).toBe(200)
  expect(await start(['ui', '--port', 'web'], options).ended).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('The option --port is "web".'),
  })
})

describe.runIf(process.platform === 'linux')('ui --open', () => {
  const startWith = (script: string | undefined) => {
    const bin = temporaryFolder()
    const opened = path.join(bin, 'opened')
    if (script !== undefined) {
      writeFileSync(path.join(bin, 'xdg-open'), `#!/bin/sh\n${script}`, { mode: 0o755 })
    }
    const ui = start(['ui', '--open'], { ...options, env: { PATH: bin, OPENED: opened } })
    return { ui, opened }
  }

  test('gives a URL that leads to the page once to the program that opens browsers', async () => {
    const { ui, opened } = startWith(
      'echo "$# $1" > "$OPENED.new" && /bin/mv "$OPENED.new" "$OPENED"',
    )
    const url = await urlOf(ui)
    await expect.poll(() => existsSync(opened), { timeout: 10_000 }).toBe(true)
    const [count, once = ''] = readFileSync(opened, 'utf8').trim().split(' ')
    expect(count).toBe('1')
    // Other users can read it from the command line of the browser.
    expect(once).not.toContain(new URL(url).pathname.slice(1, -1))
    const response = await fetch(once)
    expect([response.status, response.url]).toEqual([200, url])
    expect((await fetch(once)).status).toBe(403)
    ui.child.kill('SIGTERM')
    expect(await ui.ended).toMatchObject({ status: 0, stderr: '' })
  })

  test.each([
    ['there is no such program', undefined],
    ['it finds no browser', 'exit 3'],
  ])('says so if %s, and runs on', async (_, script) => {
    const { ui } = startWith(script)
    const url = await urlOf(ui)
    await ui.complained(/no browser could be opened; open the URL above yourself/)
    expect((await fetch(url)).status).toBe(200)
  })
})

/** Each with its own project root. */
const WORKTREES = 5
const SLICES_EACH = 140
const CHANGES_EACH = 200

test.runIf(TEST_ALL)(
  'is quick and readable with 5 worktrees, 700 slices and 1000 changes a second',
  async ({ skip }) => {
    const network = await NetworkNamespace.make()
    if (typeof network === 'string') return skip(network)
    onTestFinished(() => network[Symbol.asyncDispose]())
    const [program = '', ...by] = network.by
    const inNetwork = (args: string[], cwd: string) =>
      startFile(program, [...by, process.execPath, ...args], { ...options, cwd })
    const churners = Array.from({ length: WORKTREES }, (_, i) =>
      inNetwork(
        [script('churn-many-slices'), String(SLICES_EACH), String(CHANGES_EACH)],
        worktree(`tree-${i}`),
      ),
    )
    await Promise.all(churners.map((each) => each.said(/ready/)))
    const ui = inNetwork([COMMAND, 'ui'], worktree('ui'))
    const url = await urlOf(ui)
    const browser = await browserIn(network)
    onTestFinished(() => browser.close())

    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [390, 768, 1280]) {
        const viewport = { width, height: 800 }
        const { page, errors } = await open(browser, url, { viewport, colorScheme })
        await page.getByText(`in ${WORKTREES + 1} projects`).waitFor()
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(overflow).toBeLessThanOrEqual(width)
        expect(errors).toEqual([])
        await page.context().close()
      }
    }

    const { page } = await open(browser, url)
    const cells = await page.locator('.cell:not(.free)').count()
    expect(cells).toBeGreaterThanOrEqual(WORKTREES * SLICES_EACH)
    await expectFewEvents(page, url)
    // The page changes about as often as it should, also on a busy machine.
    const rates = await Promise.all(
      churners.map(async (each) => Number((await each.said(/(\d+) changes/))[1])),
    )
    expect(Math.min(...rates)).toBeGreaterThan(CHANGES_EACH / 4)
    const { blocked, lag } = await page.evaluate(measureSmoothness, 5000)
    expect(blocked).toBeLessThan(0.5)
    expect(lag.median).toBeLessThan(50)
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('portslice')
    // Only with the keyboard: a search, a state, a slice of the map.
    await page.keyboard.press('/')
    await page.keyboard.type('tree-3 app-77')
    await expect.poll(() => page.locator('.lines li').count(), { timeout: 20_000 }).toBe(2)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.lines li').count(), { timeout: 20_000 }).toBe(1)
    await page.keyboard.press('Enter')
    await page.keyboard.press('/')
    await page.keyboard.press('Escape')
    await page.getByRole('listbox').focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: /^ports \d+-\d+/ }).waitFor()
    await expect
      .poll(() => page.locator('.lines li').count(), { timeout: 20_000 })
      .toBeLessThanOrEqual(32)
  },
)

/** The server sends at most one event in 500 ms, however much changes. */
async function expectFewEvents(page: Page, url: string): Promise<void> {
  const wanted = 4
  const elapsed = await page.evaluate(
    ([source, count]) =>
      new Promise<number>((resolve) => {
        const begin = performance.now()
        const events = new EventSource(source)
        let seen = 0
        events.addEventListener('change', () => {
          if (++seen < count) return
          events.close()
          resolve(performance.now() - begin)
        })
      }),
    [`${url}events`, wanted] as const,
  )
  // The first may have been on its way, and two may arrive together.
  expect(elapsed).toBeGreaterThan((wanted - 2) * 500)
}

/** Playwright controls it through pipes, which work across network namespaces. */
async function browserIn(network: NetworkNamespace): Promise<Browser> {
  const { executablePath = chromium.executablePath(), ...launch } = await chromiumLaunch()
  const wrapper = path.join(temporaryFolder(), 'chromium')
  writeFileSync(wrapper, `#!/bin/sh\nexec ${network.by.join(' ')} '${executablePath}' "$@"\n`)
  chmodSync(wrapper, 0o755)
  return chromium.launch({ ...launch, executablePath: wrapper })
}

interface Smoothness {
  /** The share of the time in which tasks ran for more than 50 ms each. */
  blocked: number
  /** How late timers are, ms. */
  lag: { median: number; p95: number; max: number }
  framesPerSecond: number
}

/** Runs in the page. */
function measureSmoothness(duration: number): Promise<Smoothness> {
  return new Promise((resolve) => {
    const start = performance.now()
    const lags: number[] = []
    let frames = 0
    let longTasks = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) longTasks += entry.duration
    }).observe({ entryTypes: ['longtask'] })
    const onFrame = () => {
      frames++
      requestAnimationFrame(onFrame)
    }
    requestAnimationFrame(onFrame)
    const onTimer = (due: number) => {
      const now = performance.now()
      lags.push(now - due)
      if (now - start < duration) {
        setTimeout(onTimer, 10, now + 10)
        return
      }
      lags.sort((a, b) => a - b)
      const at = (share: number) =>
        Math.round(lags[Math.floor((lags.length - 1) * share)] as number)
      resolve({
        framesPerSecond: Math.round(frames / ((now - start) / 1000)),
        blocked: longTasks / (now - start),
        lag: { median: at(0.5), p95: at(0.95), max: at(1) },
      })
    }
    setTimeout(onTimer, 10, start + 10)
  })
}
