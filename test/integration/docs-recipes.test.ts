/** Runs the recipes of docs/recipes.md, two at the same time if ports could collide. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApp } from '@portslice/app-server'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch } from '../support/chromium.ts'
import { npmInstall } from '../support/installed.ts'
import { sectionsOf } from '../support/page-steps.ts'
import { type Outcome, runNode } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const SECTIONS = sectionsOf('docs/recipes.md')
const RECIPES = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8')
const BROWSER_MODE = fileURLToPath(
  new URL('../../examples/vitest-browser-server/node_modules', import.meta.url),
)
const SERVER = `
  import http from 'node:http'
  http.createServer((_, response) => response.end('hello')).listen(process.env.PORT)`

function snippet(name: string): string {
  const found = [...SECTIONS.values()].flat().find((step) => 'file' in step && step.file === name)
  return (found as { text: string }).text
}

/** The arguments of `portslice` in the section's command, as a shell takes them apart. */
function commandOf(section: string): string[] {
  const step = SECTIONS.get(section)?.find((each) => 'commands' in each)
  const [, words = ''] = /^npx portslice (.*)$/m.exec((step as { commands: string }).commands) ?? []
  return [...words.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, word]) => (quoted ?? word) as string,
  )
}

/** The options of an app in a line of the page. */
function appOf(section: string): { command: string; ports: string[] } {
  const [, text = ''] = RECIPES.split(`\n## ${section}\n`)
  const [, command = '', port = ''] = /app: \{ command: '(.+)', ports: \['(\w+)'\]/.exec(text) ?? []
  return { command, ports: [port] }
}

/** Asserts that all runs passed, and returns the ports that they printed. */
function printedPorts(outcomes: Outcome[]): (string | undefined)[] {
  return outcomes.map(({ status, stdout, stderr }) => {
    expect(status, stdout + stderr).toBe(0)
    return /served on (\d+)/.exec(stdout + stderr)?.[1]
  })
}

function expectTwoPorts([one, other]: (string | undefined)[]): void {
  expect(one).toBeDefined()
  expect(other).toBeDefined()
  expect(one).not.toBe(other)
}

test.each(
  firstOf([
    ['playwright.config.ts', 'module'],
    ['playwright.config.ts', 'commonjs'],
    ['playwright.config.mts', 'commonjs'],
  ]),
)("Playwright's webServer in %s, in a project of the type %s", async (config, type) => {
  using projects = new FixtureProjects()
  const project = projects.project({
    'package.json': JSON.stringify({ type }),
    [config]: snippet(config),
    'server.js': `import('node:http').then((http) =>
      http.createServer((_, response) => response.end('web')).listen(Number(process.argv[3])))`,
    'web.spec.ts': `
      import { expect, test } from '@playwright/test'
      test('reaches the server', async ({ baseURL, request }) => {
        expect(await (await request.get('/')).text()).toBe('web')
        console.log('served on ' + new URL(baseURL!).port)
      })`,
  })
  const runs = ['one', 'other'].map((run) =>
    project.playwright(['--reporter=line', `--output=${run}`]),
  )
  expectTwoPorts(printedPorts(await Promise.all(runs)))
})

test.runIf(TEST_ALL)("vitest's browser mode", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-recipes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const LAUNCH_OPTIONS = JSON.stringify(await chromiumLaunch())
  const run = async (name: string) => {
    const project = path.join(folder, name)
    mkdirSync(project)
    symlinkSync(BROWSER_MODE, path.join(project, 'node_modules'), 'dir')
    writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }')
    // The example has core alone, which has the same function.
    const recipe = snippet('vitest.config.ts').replace(
      '@portslice/vitest-plugin',
      '@portslice/core',
    )
    writeFileSync(path.join(project, 'recipe.ts'), recipe)
    // Both have one node_modules, where two runs at once would write the same cache.
    writeFileSync(
      path.join(project, 'vitest.config.ts'),
      `import { mergeConfig } from 'vitest/config'
       import recipe from './recipe.ts'
       export default async () => mergeConfig(await recipe(), { cacheDir: '.vite' })`,
    )
    writeFileSync(
      path.join(project, 'where.test.js'),
      `import { test } from 'vitest'
       test('is told', () => console.log('served on ' + location.port))`,
    )
    return runNode(['node_modules/vitest/vitest.mjs', 'run'], {
      cwd: project,
      lockDirectory: path.join(folder, 'locks'),
      env: { LAUNCH_OPTIONS, NO_COLOR: '1' },
    })
  }
  const told = printedPorts(await Promise.all([run('one'), run('other')]))
  const taken = told.map((port) => {
    const first = Number(port) & ~31
    return readFileSync(path.join(folder, 'locks', `slice-${first}.ndjson`), 'utf8')
  })
  for (const [i, journal] of taken.entries()) {
    expect(journal).toContain(`"port":${told[i]},"label":"browser"`)
  }
  expectTwoPorts(told)
})

test('two vitest projects with names of their own have different ports', async () => {
  using projects = new FixtureProjects()
  const tellsPort = `import { test } from 'vitest'
    test('is told', () => console.log('served on ' + process.env.API_PORT))`
  const project = projects.project({
    'vitest.projects.config.ts': snippet('vitest.projects.config.ts'),
    'shop/one.test.js': tellsPort,
    'admin/one.test.js': tellsPort,
  })
  const { status, stdout, stderr } = await project.vitest(['--config=vitest.projects.config.ts'])
  expect(status, stdout + stderr).toBe(0)
  const told = [...stdout.matchAll(/served on (\d+)/g)].map(([, port]) => port)
  expect(told).toHaveLength(2)
  expectTwoPorts(told)
})

test('two apps with a debugger each', async () => {
  using projects = new FixtureProjects()
  const cwd = projects.project({ 'server.js': SERVER }).folder
  const options = { ...appOf('Node: `--inspect`'), cwd, ready: '/' }
  await using one = await startApp(options)
  await using other = await startApp(options)
  for (const { ports } of [one, other]) {
    const response = await fetch(`http://127.0.0.1:${ports.inspect}/json/version`)
    expect(await response.json()).toHaveProperty('Browser', `node.js/${process.version}`)
  }
})

/** Runs the command of a section, and returns its output. */
async function portslice(project: FixtureProject, args: readonly string[]): Promise<Outcome> {
  const bin = path.join(project.folder, '..', 'node_modules', '.bin')
  return project.run('portslice', 'dist/portslice.js', [...args], {
    env: { PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter) },
  })
}

const hasRedis = spawnSync('redis-server', ['--version']).status === 0
test.skipIf(!hasRedis)(
  `a Redis cluster node on two leased ports${hasRedis ? '' : ' (there is no redis-server here)'}`,
  async () => {
    using projects = new FixtureProjects()
    const project = projects.project({})
    const [run, ...args] = commandOf('Redis cluster') as [string, ...string[]]
    // It listens, prints its ports, and ends.
    const script = `${args.slice(args.indexOf('--') + 1).join(' ')} & 
      until redis-cli -p {REDIS_PORT} ping 2>/dev/null; do sleep 0.1; done
      redis-cli -p {REDIS_PORT} cluster nodes; echo "told {REDIS_PORT}@{BUS_PORT}"; kill %1; wait`
    const options = args.slice(0, args.indexOf('--') + 1)
    const { status, stdout, stderr } = await portslice(project, [
      run,
      ...options,
      'bash',
      '-mc',
      script,
    ])
    expect(status, stdout + stderr).toBe(0)
    const [, told = ''] = /told (\d+@\d+)/.exec(stdout) ?? []
    expect(stdout).toContain(`:${told} myself,master`)
  },
)

/** Several hundred megabytes to install. */
describe.runIf(TEST_ALL)('tools from the registry', () => {
  let tools: string
  const CT = { '@playwright/experimental-ct-react': '1.62.1', react: '19', 'react-dom': '19' }
  let projects: FixtureProjects

  beforeAll(async () => {
    tools = mkdtempSync(path.join(os.tmpdir(), 'portslice-recipes-tools-'))
    await npmInstall(
      tools,
      { '@web/test-runner': '1.0.0', 'start-server-and-test': '3.0.12', vite: '8.3.8' },
      ['--force'],
    )
    projects = new FixtureProjects([path.join(tools, 'node_modules')])
    symlinkSync(
      path.join(tools, 'node_modules', '.bin'),
      path.join(projects.folder, 'node_modules', '.bin'),
      'dir',
    )
  }, 300_000)
  afterAll(() => {
    projects?.[Symbol.dispose]()
    rmSync(tools, { recursive: true, force: true, maxRetries: 5 })
  }, 120_000)

  test('Vite in middleware mode: two servers, each with a port for hot reload', async () => {
    const cwd = projects.project({
      'middleware.mjs': snippet('middleware.mjs'),
      'index.html': '<h1>hello</h1>',
    }).folder
    const options = { ...appOf('Vite: the HMR port 24678'), cwd, ready: '/@vite/client' }
    await using one = await startApp(options)
    await using other = await startApp(options)
    for (const app of [one, other]) {
      const client = await (await fetch(`${app.url}/@vite/client`)).text()
      expect(client).toContain(`hmrPort = ${app.ports.hmr};`)
      expect(app.output()).not.toContain('in use')
    }
  })

  test('start-server-and-test', async () => {
    const project = projects.project({
      'server.js': SERVER,
      'check.js': `const response = await fetch('http://localhost:' + process.env.PORT)
        console.log('checked', await response.text())`,
    })
    const outcome = await portslice(project, commandOf('start-server-and-test'))
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    expect(outcome.stdout).toContain('checked hello')
  })

  test('Web Test Runner, twice at once', async () => {
    const launch = JSON.stringify(await chromiumLaunch())
    const run = () => {
      const project = projects.project({
        'recipe.mjs': snippet('web-test-runner.config.mjs'),
        'web-test-runner.config.mjs': `
          import { chromeLauncher } from '@web/test-runner'
          import recipe from './recipe.mjs'
          export default { ...recipe, browsers: [chromeLauncher({ launchOptions: ${launch} })] }`,
        'test/where.test.js': "it('runs', () => console.log('served on ' + location.port))",
      })
      return project.run('@web/test-runner', 'dist/bin.js', [])
    }
    expectTwoPorts(printedPorts(await Promise.all([run(), run()])))
  })

  test("Playwright's component tests, twice at once", async () => {
    // It needs the Playwright of its own version, and one copy of it.
    const folder = path.join(tools, 'ct')
    await npmInstall(folder, { ...CT, '@playwright/test': '1.62.1' }, ['--force'])
    const ours = path.join(projects.folder, 'node_modules', '@portslice')
    symlinkSync(ours, path.join(folder, 'node_modules', '@portslice'), 'dir')
    const recipe = snippet('playwright-ct.config.ts')
      // Its fixtures need another version of Playwright; core has the same function.
      .replace('@portslice/playwright-fixture', '@portslice/core')
    const launch = JSON.stringify(await chromiumLaunch())
    const run = (name: string) => {
      const files = {
        'recipe.ts': recipe,
        'playwright-ct.config.ts': `
          import recipe from './recipe'
          export default recipe.then((all) => ({ ...all, use: { ...all.use, launchOptions: ${launch} } }))`,
        'playwright/index.html':
          '<div id="root"></div><script type="module" src="./index.js"></script>',
        'playwright/index.js': '',
        'tests/hello.jsx': 'export function Hello() { return <p>hello</p> }',
        'tests/hello.spec.jsx': `
          import { expect, test } from '@playwright/experimental-ct-react'
          import { Hello } from './hello.jsx'
          test('hello', async ({ mount, page }) => {
            await expect(await mount(<Hello />)).toContainText('hello')
            console.log('served on ' + new URL(page.url()).port)
          })`,
      }
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(folder, name, file)), { recursive: true })
        writeFileSync(path.join(folder, name, file), text)
      }
      return runNode(
        ['../node_modules/@playwright/test/cli.js', 'test', '-c', 'playwright-ct.config.ts'],
        { cwd: path.join(folder, name), lockDirectory: path.join(folder, 'locks') },
      )
    }
    expectTwoPorts(printedPorts(await Promise.all([run('one'), run('other')])))
  })

  test('Nx runs two tasks with ports at once where the recipe allows it', async () => {
    const [, block = ''] = /```json\n([^`]*"parallelism"[^`]*)```/.exec(RECIPES) ?? []
    const recipe = JSON.parse(block) as { targets: { e2e: object } }
    const portsliceFile = path.join(projects.folder, 'node_modules/portslice/dist/portslice.js')
    // Each waits for the other: alone, both would fail.
    const task = `"${process.execPath}" "${portsliceFile}" run -- "${process.execPath}" task.mjs`
    const target = (name: string) => ({
      name,
      targets: {
        e2e: {
          ...recipe.targets.e2e,
          executor: 'nx:run-commands',
          options: { command: `${task} ${name}` },
        },
      },
    })
    const project = projects.project({
      'package.json': '{ "name": "workspace", "private": true }',
      'nx.json': '{ "targetDefaults": { "e2e": { "parallelism": false } } }',
      'apps/shop/project.json': JSON.stringify(target('shop')),
      'apps/admin/project.json': JSON.stringify(target('admin')),
      'task.mjs': `
        import { existsSync, writeFileSync } from 'node:fs'
        const [, , name] = process.argv
        const other = name === 'shop' ? 'admin' : 'shop'
        writeFileSync(name + '.begun', process.env.PORT)
        const deadline = Date.now() + 20_000
        while (!existsSync(other + '.begun')) {
          if (Date.now() > deadline) throw new Error('alone')
          await new Promise((resolve) => setTimeout(resolve, 50))
        }`,
    })
    symlinkSync(path.join(projects.folder, 'node_modules'), project.file('node_modules'), 'dir')
    const outcome = await project.run(
      'nx',
      'dist/bin/nx.js',
      ['run-many', '-t', 'e2e', '--parallel=2', '--skip-nx-cache'],
      { env: { NX_DAEMON: 'false', NX_NO_CLOUD: 'true' } },
    )
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
    const [shop, admin] = ['shop', 'admin'].map((name) =>
      readFileSync(project.file(`${name}.begun`), 'utf8'),
    )
    expectTwoPorts([shop, admin])
  })
})

test('the recipes that are not run here say so', () => {
  const RUN = [
    'Playwright: `webServer`',
    'Playwright: `ctPort`',
    'vitest: browser mode',
    'vitest: several projects',
    'Vite: the HMR port 24678',
    'Node: `--inspect`',
    'Next.js and Astro', // examples.test.ts, app-server-tools.test.ts
    'Web Test Runner',
    'start-server-and-test',
    'Nx',
    'Turborepo', // app-server-tools.test.ts
    'Redis cluster',
  ]
  const notRun = [...SECTIONS.keys()].filter((name) => name !== '' && !RUN.includes(name))
  for (const name of notRun) {
    const [, text = ''] = RECIPES.split(`\n## ${name}\n`)
    expect(text.trimStart()).toMatch(/^Not run here\./)
  }
})
