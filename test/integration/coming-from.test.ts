/** The JavaScript snippets of docs/coming-from.md, run as they stand there. The others: readme.test.ts. */
import { readFileSync } from 'node:fs'
import { claimPort } from '@portslice/core'
import { afterAll, expect, test } from 'vitest'
import { FixtureProjects } from '../support/project.ts'
import { TEST_TIMEOUT } from './playwright-run.ts'

const PAGE = readFileSync(new URL('../../docs/coming-from.md', import.meta.url), 'utf8')
const snippets = Object.fromEntries(
  [...PAGE.matchAll(/^```js\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)].map(([, text, name]) => [name, text]),
) as Record<string, string>

/** Claimed by the test that uses the fixed ports of the page, so that two checkouts take turns. */
const TURN = 4344

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const used = new Set<string>()
function files(...names: string[]): Record<string, string> {
  for (const name of names) used.add(name)
  return Object.fromEntries(names.map((name) => [name, snippets[name] as string]))
}

test.each([
  ['after/portastic.js', '3 true\n'],
  ['after/get-port-please.js', 'true true\n'],
  ['before/hard-coded.js', 'hello\n'],
  ['after/hard-coded.js', 'hello\n'],
  ['after/unix-socket.js', 'true\n'],
  ['after/static-url.js', 'api\n'],
])('%s', async (name, says) => {
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const project = projects.project(files(name))
  expect(await project.run(undefined, name, [])).toEqual({ status: 0, stderr: '', stdout: says })
})

test('a base plus the number of the worker', async () => {
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const project = projects.project(
    files('before/worker-number.test.js', 'after/worker-number.test.js'),
  )
  const { status, stdout, stderr } = await project.vitest()
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests .*2 passed/)
})

test(
  'reuseExistingServer tests the code of another checkout, namedPort that of its own',
  async () => {
    await using _turn = await claimPort(TURN, { timeout: 240_000 })
    const server = (name: string) => `
      import http from 'node:http'
      http.createServer((_, response) => response.end('${name}'))
        .listen(Number(process.argv[2]), () => console.log('listens'))`
    const other = projects.project({ 'server.js': server('the other checkout') })
    const project = projects.project({
      ...files('before/playwright.config.js', 'after/playwright.config.js'),
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

test('every snippet that names its file was run', () => {
  expect([...used].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
