/** The messages for mistakes of users, as runners print them. Each says what to do. */
import { afterAll, describe, expect, test } from 'vitest'
import { ownSlices } from '../support/own-slices.ts'
import { TEST_TIMEOUT } from '../support/playwright-run.ts'
import type { Outcome } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const DOCS = 'https://github.com/portslice/portslice/blob/main/docs/troubleshooting.md'
const INVALID = 'PortsliceError [ERR_PORTSLICE_OPTION_INVALID]: '

type Files = Record<string, string>

/** The output of a run: stdout, then stderr. */
function printed({ stdout, stderr }: Outcome): string {
  return `${stdout}\n${stderr}`
}

async function vitest(files: Files, env: Record<string, string> = {}): Promise<Outcome> {
  return projects.project(files).vitest([], { env: { NO_COLOR: '1', ...env } })
}

async function playwright(files: Files, reporter = 'line'): Promise<Outcome> {
  return projects.project(files).playwright([`--reporter=${reporter}`], { env: { NO_COLOR: '1' } })
}

/** A test file for each runner, with a body that uses `takePort` of the fixture. */
const vitestFile = (body: string) => `
  import { createServer } from 'node:http'
  import { once } from 'node:events'
  import { test } from '@portslice/vitest-plugin/test'
  test('a mistake', async ({ takePort, port }) => {
    ${body}
  })`
const playwrightFile = (body: string) =>
  vitestFile(body).replace('@portslice/vitest-plugin/test', '@portslice/playwright-fixture')

/** Mistakes, as the body of a test, and the lines that are printed for them. */
const MISTAKES: [name: string, body: string, says: string[]][] = [
  [
    'a string in place of options',
    "await takePort('api')",
    [
      `${INVALID}The options are "api", a string.`,
      'Write `{ label: "api" }` to say what the port is for, or `namedPort("api")` for one port in all processes of a run.',
      `${DOCS}#err_portslice_option_invalid`,
    ],
  ],
  [
    'a number in place of options',
    'await takePort(3000)',
    [
      `${INVALID}The options are 3000, a number.`,
      'Write `{ prefer: 3000 }` to get this port if it is available, or `claimPort(3000)` to wait for it.',
    ],
  ],
  [
    'a misspelt option',
    "await takePort({ lable: 'api' })",
    [`${INVALID}There is no option \`lable\`; it is set to "api".`, "Did you mean 'label'?"],
  ],
  [
    'a forgotten await',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    'await fetch(`http://localhost:${takePort()}`)',
    [
      `${INVALID}The promise of takePort() was used as if it were the port: an \`await\` is missing.`,
      'Write `await takePort()`.',
    ],
  ],
]

describe('mistakes in a test', () => {
  /** A test file for each mistake. */
  const filesOf = (ending: string, fileOf: (body: string) => string) =>
    Object.fromEntries(MISTAKES.map(([, body], i) => [`mistake-${i}${ending}`, fileOf(body)]))

  test('in vitest', async () => {
    const outcome = await vitest(filesOf('.test.js', vitestFile))
    expect(outcome.status).toBe(1)
    for (const [i, [, , says]] of MISTAKES.entries()) {
      for (const line of says) expect(printed(outcome)).toContain(line)
      // The line of the test, not one in portslice.
      expect(printed(outcome)).toMatch(new RegExp(`❯ mistake-${i}\\.test\\.js:6:\\d+`))
    }
    expect(printed(outcome)).not.toMatch(/❯ .*node_modules\/@portslice/)
  })

  test('in Playwright', { timeout: TEST_TIMEOUT }, async () => {
    const outcome = await playwright(filesOf('.spec.js', playwrightFile))
    expect(outcome.status).toBe(1)
    for (const [i, [, , says]] of MISTAKES.entries()) {
      for (const line of says) expect(printed(outcome)).toContain(line)
      expect(printed(outcome)).toMatch(new RegExp(`at .*mistake-${i}\\.spec\\.js:6:\\d+`))
    }
    expect(printed(outcome).match(/> 6 \|/g)?.length).toBeGreaterThanOrEqual(MISTAKES.length)
    expect(printed(outcome)).not.toMatch(/at .*node_modules\/@portslice/)
  })
})

test.each([
  ['ERR_PORTSLICE_RANGE_EXHAUSTED', 'for (;;) await allocator.take()'],
  ['ERR_PORTSLICE_CLAIM_TIMEOUT', 'await claimPort(port, { timeout: 50 })'],
  ['ERR_PORTSLICE_APP_START', "await startApp({ command: 'exit 3' }, { allocator })"],
])('the stack of %s, after a wait, begins at the call', async (code, call) => {
  await using slices = await ownSlices(1)
  const script = projects.project({
    'wait.mjs': `
      import { startApp } from '@portslice/app-server'
      import { claimPort, createAllocator } from '@portslice/core'
      const range = [${slices.range}]
      const allocator = await createAllocator({ range, waitTimeout: 50 })
      const { port } = await allocator.take()
      async function user() {
        ${call}
      }
      await user()`,
  })
  const { status, stderr } = await script.run(undefined, 'wait.mjs', [])
  expect(status).toBe(1)
  expect(stderr).toContain(`PortsliceError [${code}]: `)
  const [first] = stderr.split('\n').filter((line) => /^ {4}at /.test(line))
  expect(first).toMatch(/^ {4}at async user \(.*wait\.mjs:8:/)
})

test.each([
  ['PORTSLICE_RANG', 'PORTSLICE_RANGE'],
  ['PORTSLICE_SHRAD', 'PORTSLICE_SHARD'],
  ['PORTSLICE_LOCK_DIRECTORY', 'PORTSLICE_LOCK_DIR'],
])('the misspelt environment variable %s', async (misspelt, meant) => {
  const project = projects.project({
    'take.mjs': "import { takePort } from '@portslice/core'\nawait takePort()",
  })
  const take = (env: Record<string, string>) => project.run(undefined, 'take.mjs', [], { env })
  const { status, stderr } = await take({ [misspelt]: '1' })
  expect(status).toBe(1)
  expect(stderr).toContain(
    `${INVALID}There is no environment variable $${misspelt}; it is set to "1".`,
  )
  expect(stderr).toContain(`Did you mean '$${meant}'?`)
  // These are set by portslice, or belong to the user.
  const others = { PORTSLICE_PORT_RANG: '20000', PORTSLICE_OTHER: '1', PORTSLICE_TEST: '1' }
  expect(await take(others)).toMatchObject({ status: 0, stderr: '' })
})

describe('in a vitest config', () => {
  const passes = "import { test } from 'vitest'\ntest('passes', () => {})"
  const config = (body: string) => `import portslice from '@portslice/vitest-plugin'\n${body}`
  const withConfig = (text: string, testFile = passes) =>
    vitest({ 'vitest.config.js': text, 'a.test.js': testFile })

  test('a plugin that is not called', async () => {
    const outcome = await withConfig(config('export default { plugins: [portslice] }'))
    expect(outcome.status).toBe(1)
    expect(printed(outcome)).toContain(
      `${INVALID}The plugin is in \`plugins\`, but it was not called: \`plugins: [portslice]\`.`,
    )
    expect(printed(outcome)).toContain(
      'In vitest.config.ts, write `defineConfig({ plugins: [portslice()] })`.',
    )
  })

  test('a plugin in `test.plugins`', async () => {
    const outcome = await withConfig(config('export default { test: { plugins: [portslice()] } }'))
    expect(outcome.stderr).toContain(
      'portslice: the plugin was created, but vitest did not use it. It belongs in `plugins`, not in `test.plugins`.',
    )
    const right = await withConfig(config('export default { plugins: [portslice()] }'))
    expect(right.stderr).not.toContain('portslice:')
  })

  test('the global setup in `setupFiles`', async () => {
    const outcome = await withConfig(
      "export default { test: { setupFiles: '@portslice/vitest-plugin/global-setup' } }",
    )
    expect(outcome.status).toBe(1)
    expect(printed(outcome)).toContain(
      `${INVALID}The global setup is in \`setupFiles\`: \`setupFiles: '@portslice/vitest-plugin/global-setup'\`.`,
    )
    expect(printed(outcome)).toContain(
      "Write `globalSetup: '@portslice/vitest-plugin/global-setup'`.",
    )
  })

  test('the plugin in `globalSetup`', async () => {
    const outcome = await withConfig(
      "export default { test: { globalSetup: '@portslice/vitest-plugin' } }",
    )
    expect(outcome.status).toBe(1)
    expect(printed(outcome)).toContain(`${INVALID}The plugin is in \`globalSetup\``)
    expect(printed(outcome)).toContain(
      "Write `globalSetup: '@portslice/vitest-plugin/global-setup'`, or use the plugin: `plugins: [portslice()]`.",
    )
  })

  test('a misspelt option of the plugin', async () => {
    const outcome = await withConfig(
      config('export default { plugins: [portslice({ rnage: [20_000, 20_999] })] }'),
    )
    expect(outcome.status).toBe(1)
    expect(printed(outcome)).toContain("Did you mean 'range'?")
  })

  test.each([
    ['with node_modules of their own', true],
    ['with one node_modules', false],
  ])('one name in two config files, %s', async (_, ownModules) => {
    const project = (name: string) => `
      import { namedPort } from '@portslice/vitest-plugin'
      export default async () => ({ test: { name: '${name}', env: { API: String(await namedPort('api')) } } })`
    const outcome = await vitest({
      'vitest.config.js': "export default { test: { projects: ['shop', 'admin'] } }",
      ...Object.fromEntries(
        ['shop', 'admin'].flatMap((name) => [
          [`${name}/vitest.config.js`, project(name)],
          [`${name}/package.json`, '{ "type": "module" }'],
          ...(ownModules ? [[`${name}/node_modules/.keep`, '']] : []),
          [`${name}/a.test.js`, passes],
        ]),
      ),
    })
    expect(outcome.status, printed(outcome)).toBe(0)
    expect(outcome.stderr).toMatch(
      /\(node:\d+\) \[PORTSLICE_SHARED_NAME\] PortsliceWarning: \S+(shop|admin)\/vitest\.config\.js and \S+(?!\1)(?:shop|admin)\/vitest\.config\.js both call namedPort\("api"\), and so share one port\. If each is to have its own, use different names, such as "shop-api"\./,
    )
  })
})

test('a config file that is loaded again shares a name with itself, without a warning', async () => {
  const project = projects.project({
    'vite.config.js': `import { namedPort } from '@portslice/core'
      export default async () => {
        console.log('port', await namedPort('api'))
        return {}
      }`,
    'load.mjs': `import { resolveConfig } from 'vitest/node'
      for (let i = 0; i < 2; i++) {
        await resolveConfig({ config: 'vite.config.js', root: import.meta.dirname })
      }`,
  })
  const { stdout, stderr } = await project.run(undefined, 'load.mjs', [])
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^(port \d+\n)\1$/)
})

test("`test` from '@portslice/vitest-plugin'", async () => {
  for (const use of ["test('passes', () => {})", "test.each([1])('%i', () => {})"]) {
    const outcome = await vitest({
      'a.test.js': `import { test } from '@portslice/vitest-plugin'\n${use}`,
    })
    expect(outcome.status).toBe(1)
    expect(printed(outcome)).toContain(
      `${INVALID}\`test\` is not in '@portslice/vitest-plugin', which is the plugin for the config.`,
    )
    expect(printed(outcome)).toContain(
      "Write `import { test } from '@portslice/vitest-plugin/test'`.",
    )
    expect(printed(outcome)).toMatch(/❯ a\.test\.js:2:/)
  }
})

test("an app with Playwright's names of options", { timeout: TEST_TIMEOUT }, async () => {
  const outcome = await playwright({
    'playwright.config.js':
      "export default { use: { app: { command: 'node server.js', url: 'http://localhost' } } }",
    'a.spec.js': `
      import { test } from '@portslice/playwright-fixture'
      test('a mistake', async ({ app }) => {})`,
  })
  expect(outcome.status).toBe(1)
  expect(printed(outcome)).toContain(
    `${INVALID}There is no option \`url\`; it is set to "http://localhost".`,
  )
  expect(printed(outcome)).toContain('Use `ready`.')
})

describe('a leaked port', () => {
  const LEAKS = 'await once(createServer().listen(port), "listening")'

  test.runIf(TEST_ALL).each(['list', 'line'])(
    'is reported by the %s reporter of Playwright, unless the test has failed',
    { timeout: TEST_TIMEOUT },
    async (reporter) => {
      const leaking = await playwright({ 'a.spec.js': playwrightFile(LEAKS) }, reporter)
      expect(leaking.status, printed(leaking)).toBe(0)
      expect(printed(leaking)).toMatch(
        /portslice: The test "a\.spec\.js > a mistake" left port \d+ in use: something still listens there after it ended\./,
      )
      const body = `${LEAKS}; throw new Error('failed anyway')`
      const failed = await playwright({ 'a.spec.js': playwrightFile(body) }, reporter)
      expect(failed.status).toBe(1)
      expect(printed(failed)).toContain('failed anyway')
      expect(printed(failed)).not.toContain('left port')
    },
  )

  test.each(firstOf(['plugins: [portslice()]', '']))(
    'is reported by vitest, unless the test has failed, with the config {%s}',
    async (config) => {
      const file = `import portslice from '@portslice/vitest-plugin'\nexport default { ${config} }`
      const run = (body: string) =>
        vitest({ 'vitest.config.js': file, 'a.test.js': vitestFile(body) })
      const leaking = await run(LEAKS)
      expect(leaking.status, printed(leaking)).toBe(0)
      expect(printed(leaking)).toMatch(/a mistake"? left port \d+ in use/)
      const failed = await run(`${LEAKS}; throw new Error('failed anyway')`)
      expect(failed.status).toBe(1)
      expect(printed(failed)).toContain('failed anyway')
      expect(printed(failed)).not.toContain('left port')
    },
  )
})

test('EADDRINUSE says that this process has bound the port twice', async () => {
  const twice = `
    await once(createServer().listen(port), 'listening')
    await once(createServer().listen(port), 'listening')`
  const outcome = await vitest({ 'a.test.js': vitestFile(twice) })
  expect(outcome.status).toBe(1)
  expect(printed(outcome)).toMatch(
    /EADDRINUSE: address already in use :::\d+\nportslice: port \d+ has been bound since [\d:]+ by this same process/,
  )
})
