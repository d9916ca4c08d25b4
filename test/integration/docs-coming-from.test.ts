/** Runs the snippets of docs/coming-from.md. */
import { fileURLToPath } from 'node:url'
import { claimPort } from '@portslice/core'
import { afterAll, expect, test } from 'vitest'
import { TEST_TIMEOUT } from '../support/playwright-run.ts'
import { FixtureProjects } from '../support/project.ts'
import { snippetsOf } from '../support/snippets.ts'
import { TEST_ALL } from '../support/test-all.ts'

const snippets = Object.fromEntries(
  snippetsOf('docs/coming-from.md').map(({ file, text }) => [file, text]),
) as Record<string, string>

/** The test with the fixed ports of the page claims this port, so that two checkouts take turns. */
const TURN = 4344

/** A project with the packages that users may come from. */
const OTHERS = fileURLToPath(new URL('../../docs/node_modules', import.meta.url))
const projects = new FixtureProjects([OTHERS])
afterAll(() => projects[Symbol.dispose]())

const used = new Set<string>()
function files(...names: string[]): Record<string, string> {
  for (const name of names) used.add(name)
  return Object.fromEntries(names.map((name) => [name, snippets[name] as string]))
}

/** The file that the page calls `server.js`. */
const SERVER = `
  import http from 'node:http'
  http.createServer((_, response) => response.end('hello')).listen(process.env.PORT)`

test.each([
  ['get-port', 'true true\n', 'true true\n'],
  ['portfinder', 'true 3\n', 'true 3\n'],
  ['detect-port', 'as wanted\n', 'as wanted\ntrue\n'],
  ['wait-on', 'hello\n', 'hello\n'],
])('coming from %s, the code after does what the code before did', async (name, before, after) => {
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const all = files(`before/${name}.mts`, `after/${name}.mts`)
  const project = projects.project({ ...all, 'server.js': SERVER })
  const outcomes = [
    await project.run(undefined, `before/${name}.mts`, []),
    await project.run(undefined, `after/${name}.mts`, []),
  ]
  expect(outcomes).toMatchObject([
    { status: 0, stderr: '', stdout: before },
    { status: 0, stderr: '', stdout: after },
  ])
})

test.each([
  ['after/net-cluster.ts', 'two ports\n'],
  ['after/portastic.mts', '3 true\n'],
  ['after/get-port-please.mts', 'true true\n'],
  ['before/hard-coded.mts', 'hello\n'],
  ['after/hard-coded.mts', 'hello\n'],
  ['after/unix-socket.mts', 'true\n'],
  ['after/static-url.mts', 'api\n'],
])('%s', async (name, says) => {
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const project = projects.project(files(name))
  expect(await project.run(undefined, name, [])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: says,
  })
})

test('a base plus the number of the worker', async () => {
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const project = projects.project(
    files('before/worker-number.test.ts', 'after/worker-number.test.ts'),
  )
  const { status, stdout, stderr } = await project.vitest()
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests .*2 passed/)
})

test.runIf(TEST_ALL)(
  'reuseExistingServer tests the code of another checkout, namedPort its own',
  async () => {
    await using _turn = await claimPort(TURN, { timeout: 240_000 })
    const server = (name: string) => `
      import http from 'node:http'
      http.createServer((_, response) => response.end('${name}'))
        .listen(Number(process.argv[2]), () => console.log('listens'))`
    const other = projects.project({ 'server.js': server('the other checkout') })
    const project = projects.project({
      ...files('before/playwright.config.ts', 'after/playwright.config.ts'),
      'server.js': server('this checkout'),
      // `webServer` starts in the folder of the config.
      'before/server.js': server('this checkout'),
      'after/server.js': server('this checkout'),
      ...Object.fromEntries(
        ['before', 'after'].map((when) => [
          `${when}/a.spec.js`,
          `import { test } from '@playwright/test'
           test('tells whose code answers', async ({ request }) => {
             console.log('answer: ' + await (await request.get('/')).text())
           })`,
        ]),
      ),
    })
    await using running = other.start(undefined, 'server.js', ['4343'])
    await running.said(/listens/)
    const outcomes = []
    for (const when of ['before', 'after']) {
      const args = [`--config=${when}`, '--reporter=line', `--output=${when}-results`]
      outcomes.push(await project.playwright(args))
    }
    const answers = outcomes.map(({ status, stdout, stderr }) => {
      expect(status, stdout + stderr).toBe(0)
      return /answer: (.*)/.exec(stdout)?.[1]
    })
    expect(answers).toEqual(['the other checkout', 'this checkout'])
  },
  TEST_TIMEOUT,
)

test.runIf(TEST_ALL)('every snippet was run', () => {
  // With current versions of Node, net-cluster itself ends a worker, as the page says.
  expect([...used, 'before/net-cluster.mjs'].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
