/**
 * Draws the pictures of docs/ui.md: the page of the built `portslice ui`, and the report of a run. In a
 * network namespace of its own if possible, so that other processes of this machine do not appear.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { openChromium } from '../support/chromium.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { FixtureProjects } from '../support/project.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const COMMAND = here('../../packages/cli/dist/portslice.js')
const IMAGES = here('../../docs/images/')
const SIZES = { wide: { width: 1000, height: 700 }, narrow: { width: 390, height: 700 } }

const HOLDERS = [
  { root: 'shop', env: { VITEST_POOL_ID: '1' }, labels: ['api', 'checkout > pays'] },
  { root: 'shop', env: { VITEST_POOL_ID: '2' }, labels: ['cart > adds', 'cart > empties'] },
  { root: 'shop-fix', env: { TEST_PARALLEL_INDEX: '0' }, labels: ['web', 'mail'] },
  { root: 'blog', env: {}, labels: ['preview'] },
]

const TESTS = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { test } from '@portslice/vitest-plugin/test'
  async function serve(port, ms = 200) {
    const server = http.createServer().listen(port)
    await once(server, 'listening')
    await sleep(ms)
    return server
  }
  test('cart > adds', async ({ takePort }) => { (await serve(await takePort({ label: 'api' }))).close() })
  test('cart > empties', async ({ port }) => { await serve(port, 150) })
  test('checkout > pays', async ({ port, takePort }) => {
    await sleep(100);
    (await serve(port, 300)).close();
    (await serve(await takePort({ label: 'bank' }), 200)).close()
  })`

const FOREIGN_TEST = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { spawn } from 'node:child_process'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { test } from '@portslice/vitest-plugin/test'
  test('mail > sends', async ({ port }) => {
    await sleep(150)
    // As if another program took the port: the shell between ends, and init is its parent.
    spawn('sh', ['-c', \`'\${process.execPath}' old-mail-server.cjs \${port} & sleep 0.3\`], { stdio: 'ignore' })
    await sleep(1200)
    await once(http.createServer().listen(port), 'listening')
  })`

const SERVER =
  "require('node:net').createServer().listen(process.argv[2]); setTimeout(() => {}, 5000).unref(); setTimeout(() => process.exit(), 5000)"

async function draw(): Promise<void> {
  mkdirSync(IMAGES, { recursive: true })
  using directory = new TemporaryDirectory()
  const env = {
    ...process.env,
    HOME: directory.path,
    PORTSLICE_LOCK_DIR: directory.locks,
    PORTSLICE_RANGE: '20000-26015',
  }
  const children: ChildProcess[] = []
  const start = (args: string[], root: string, more: Record<string, string> = {}) => {
    const child = spawn(process.execPath, args, {
      cwd: directory.project(root),
      env: { ...env, ...more },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    return child as ChildProcess & { stdin: NonNullable<ChildProcess['stdin']>; stdout: Readable }
  }
  const browser = await openChromium()
  try {
    for (const { root, env: more, labels } of HOLDERS) {
      const holder = start([here('../integration/processes/take-labelled.ts')], root, more)
      for (const label of labels) {
        holder.stdin.write(`${JSON.stringify(label)}\n`)
        await once(holder.stdout, 'data')
      }
    }
    const ui = start([COMMAND, 'ui'], 'blog')
    const url = String((await once(ui.stdout, 'data'))[0]).trim()
    const report = pathToFileURL(await writeReport()).href
    const shoot = async (name: string, address: string, settings: object, height?: number) => {
      const page = await browser.newPage(settings)
      await page.goto(address)
      await page.getByRole('heading', { name: /Range|Timeline/ }).waitFor()
      if (height) await page.setViewportSize({ width: SIZES.wide.width, height })
      await page.screenshot({ path: path.join(IMAGES, `ui-${name}.png`) })
      await page.close()
    }
    await shoot('light', url, { viewport: SIZES.wide, colorScheme: 'light' })
    await shoot('dark', url, { viewport: SIZES.wide, colorScheme: 'dark' })
    await shoot('narrow', url, { viewport: SIZES.narrow, colorScheme: 'light' })
    await shoot('report', report, { viewport: SIZES.wide, colorScheme: 'light' }, 640)
  } finally {
    await browser.close()
    for (const child of children) child.kill()
    await Promise.all(
      children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')),
    )
  }
}

const projects = new FixtureProjects()

async function writeReport(): Promise<string> {
  const project = projects.project({
    'vitest.config.js': `
      import portslice from '@portslice/vitest-plugin'
      export default {
        plugins: [portslice()],
        test: { maxWorkers: 2, reporters: ['dot', '@portslice/vitest-plugin/reporter'] },
      }`,
    'old-mail-server.cjs': SERVER,
    'shop.test.js': TESTS,
    'mail.test.js': FOREIGN_TEST,
  })
  await project.vitest()
  return project.file('portslice-report.html')
}

const flags = ['--map-root-user', '--net']
if (process.argv[2] === undefined && whyNoNamespaces(...flags) === undefined) {
  const inside = `ip link set lo up && '${process.execPath}' '${here('draw-pages.ts')}' inside`
  const { status } = spawnSync('unshare', [...flags, 'sh', '-c', inside], { stdio: 'inherit' })
  process.exit(status ?? 1)
}
try {
  await draw()
} finally {
  projects[Symbol.dispose]()
}
