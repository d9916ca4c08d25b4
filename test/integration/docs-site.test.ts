/** The documentation site, built and then opened in a browser, page by page. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type App, startApp } from '@portslice/app-server'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { openChromium } from '../support/chromium.ts'
import { runNode } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

type Browser = Awaited<ReturnType<typeof openChromium>>
type Tab = Awaited<ReturnType<Browser['newPage']>>

const docs = fileURLToPath(new URL('../../docs', import.meta.url))
const site = path.join(docs, '.vitepress', 'dist')

/** The width of a phone, in CSS pixels. */
const PHONE = { width: 390, height: 844 }
/** How many pages are checked at the same time. */
const TABS = 2
/** Only ends pages that hang, in ms. */
const LIMIT = 120_000

const testSite = test.runIf(TEST_ALL)

beforeAll(async () => {
  if (!TEST_ALL) return
  rmSync(site, { recursive: true, force: true })
  const { status, stdout, stderr } = await runNode(['build/site.ts'], { cwd: docs })
  // The build also fails for a public name without a docstring, and for a dead link, picture or
  // anchor.
  expect(status, stdout + stderr).toBe(0)
}, 2 * LIMIT)

function pagesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html') && file !== '404.html')
    .map((file) => `/${file.replaceAll(path.sep, '/')}`)
    .sort()
}

testSite('every page of docs/ has become one of the site', () => {
  const written = readdirSync(docs).filter((name) => name.endsWith('.md'))
  expect(written.length).toBeGreaterThan(10)
  expect(pagesOf(site)).toEqual(
    expect.arrayContaining(written.map((name) => `/${name.replace('.md', '.html')}`)),
  )
})

testSite('the API reference has every entry of every package', () => {
  const packages = new URL('../../packages/', import.meta.url)
  const entries = readdirSync(packages).flatMap((folder) => {
    const manifest = readFileSync(new URL(`${folder}/package.json`, packages), 'utf8')
    const { name, exports } = JSON.parse(manifest) as { name: string; exports: object }
    return Object.entries(exports)
      .filter(([entry, target]) => typeof target === 'object' && !entry.startsWith('./internal'))
      .map(([entry]) => path.posix.join(name, entry))
  })
  expect(entries).toContain('@portslice/core/net')
  expect(pagesOf(path.join(site, 'api'))).toEqual(
    expect.arrayContaining(entries.map((entry) => `/${entry}.html`)),
  )
})

describe('troubleshooting starts from the message', () => {
  const page = readFileSync(path.join(docs, 'troubleshooting.md'), 'utf8')
  const sources = readdirSync(new URL('../../packages', import.meta.url)).flatMap((name) => {
    const folder = fileURLToPath(new URL(`../../packages/${name}/src`, import.meta.url))
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.test|\.test-support)\.ts$/.test(file))
      .map((file) => readFileSync(path.join(folder, file), 'utf8'))
  })

  test('every code has a heading, and every heading a code', () => {
    const inSources = sources.flatMap((source) => source.match(/ERR_PORTSLICE_[A-Z_]*[A-Z]/g) ?? [])
    const headings = page.match(/(?<=^### )ERR_PORTSLICE_\w+$/gm)
    expect(headings?.toSorted()).toEqual([...new Set(inSources)].toSorted())
  })
})

describe.runIf(TEST_ALL)('in a browser', () => {
  let browser: Browser | undefined
  let app: App
  let whyNot = ''

  beforeAll(async () => {
    try {
      browser = await openChromium()
    } catch (error) {
      whyNot = `there is no browser that starts here: ${(error as Error).message}`
      console.log(`The site was not opened: ${whyNot}`)
      return
    }
    const vitepress = path.join(docs, 'node_modules', 'vitepress', 'bin', 'vitepress.js')
    app = await startApp({
      command: [process.execPath, vitepress, 'preview', docs, '--port', '{PORT}'],
      ready: '/',
      startTimeout: LIMIT,
    })
  }, 2 * LIMIT)

  afterAll(async () => {
    await app?.stop()
    await browser?.close()
  })

  function browserOf({ skip }: TestContext): Browser {
    return browser ?? skip(whyNot)
  }

  /** Opens a page, and waits until Vue has hydrated it: before that, a click is lost. */
  async function openPage(tab: Tab, file: string): Promise<void> {
    await tab.goto(app.url + file)
    await tab.waitForFunction("'__vue_app__' in document.querySelector('#app')")
  }

  test('each page opens without an error, and fits on a phone', async (context) => {
    /** Pages with wider tables, which compare many libraries. */
    const SCROLLED = ['/performance.html']
    /** Tables and code that can only be read by scrolling sideways. */
    const tooWide = `[...document.querySelectorAll('.vp-doc table, .vp-doc pre')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.textContent.trim().slice(0, 60))`
    const phone = await browserOf(context).newContext({ viewport: PHONE })
    phone.setDefaultTimeout(LIMIT)
    const queue = pagesOf(site)
    const faults: string[] = []
    // Each tab visits many pages, because opening a tab takes longer than checking a page.
    const tabs = await Promise.all(Array.from({ length: TABS }, () => phone.newPage()))
    await Promise.all(
      tabs.map(async (tab) => {
        const note = (fault: string) => faults.push(`${tab.url()}: ${fault}`)
        tab.on('console', (message) => {
          if (['error', 'warning'].includes(message.type())) note(message.text())
        })
        tab.on('pageerror', (error) => note(error.message))
        tab.on('requestfailed', (request) => {
          // A page cancels its prefetches when the tab opens another page.
          const why = request.failure()?.errorText
          if (why !== 'net::ERR_ABORTED') note(`${request.url()} failed (${why})`)
        })
        tab.on('response', (response) => {
          if (response.status() >= 400) note(`${response.url()} answers ${response.status()}`)
        })
        for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
          await openPage(tab, file) // Vue logs any mismatch.
          if (!(await tab.locator('h1').first().isVisible())) note('has no heading')
          // Pictures that are too wide have their own scroll bars.
          const width = await tab.evaluate('document.documentElement.scrollWidth')
          if (width !== PHONE.width) note(`is ${width} px wide`)
          if (SCROLLED.includes(file)) continue
          for (const text of await tab.evaluate<string[]>(tooWide)) note(`cuts off: ${text}`)
        }
      }),
    )
    expect(faults).toEqual([])
  })

  describe.each([
    ['on a phone', PHONE],
    ['on a desk', { width: 1280, height: 800 }],
  ])('%s', (_, viewport) => {
    // Each in a page of its own: in the same session, the box first shows the results of the last search.
    test.for([
      [
        'an error by its code',
        'ERR_PORTSLICE_NO_SOCKET',
        '/troubleshooting.html#err_portslice_no_socket',
      ],
      ['an option on its page, not in the API reference', 'onLeak', '/options.html*'],
    ] as const)('the search finds %s', async ([, text, url], context) => {
      const page = await browserOf(context).newPage({ viewport })
      page.setDefaultTimeout(LIMIT)
      await openPage(page, '/')
      await page.getByRole('button', { name: 'Search' }).first().click()
      await page.getByRole('searchbox').fill(text)
      await page.locator('.result').first().click()
      await page.waitForURL(`**${url}`)
      await page.close()
    })
  })
})
