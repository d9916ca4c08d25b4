/** Every snippet of the README and of docs/ways.md is run as it stands there. */
import { readdirSync, readFileSync } from 'node:fs'
import { Playground } from 'portslice-testing/project'
import { afterAll, expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')
const README = read('README.md')
const WAYS = read('docs/ways.md')

const playground = new Playground()
afterAll(() => playground[Symbol.dispose]())

/** The snippets, by the file that each names in its first line. */
const snippets = Object.fromEntries(
  [...(README + WAYS).matchAll(/^```ts\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)].map(([, text, name]) => [
    name,
    text,
  ]),
) as Record<string, string>

const used = new Set<string>()
function filesOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      used.add(name)
      return [name, snippets[name] as string]
    }),
  )
}

test('the test that it opens with passes, without a config', async () => {
  const { status, stdout, stderr } = await playground.project(filesOf('hello.test.ts')).vitest()
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests .*1 passed/)
})

test('the snippets for vitest pass', async () => {
  const project = playground.project(
    filesOf('fixtures.test.ts', 'server.test.ts', 'vitest.config.ts'),
  )
  const { status, stdout, stderr } = await project.vitest()
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests .*2 passed/)
})

test('the globalSetup is named as it is found', async () => {
  const [, setting] = /`(test: \{ globalSetup: '[^']+' \})`/.exec(README) ?? []
  const project = playground.project({
    ...filesOf('hello.test.ts'),
    'vitest.config.js': `export default { ${setting} }`,
  })
  const { status, stdout, stderr } = await project.vitest()
  expect(status, stdout + stderr).toBe(0)
})

test('the snippets for Playwright pass', async () => {
  const project = playground.project({
    ...filesOf('app.spec.ts', 'playwright.config.ts'),
    'server.js': `import http from 'node:http'
      http.createServer((_, response) => response.end()).listen(Number(process.argv[2]))`,
  })
  const { status, stdout, stderr } = await project.playwright(['--reporter=line'])
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toContain('2 passed')
})

test('the snippet without a test runner runs', async () => {
  const project = playground.project(filesOf('ports.ts'))
  const { status, stdout, stderr } = await project.run(undefined, 'ports.ts', [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain("state: 'held'")
})

test.each<[string, string | RegExp]>([
  ['listen.ts', 'hello\n'],
  ['with-port.ts', 'up\n\n'],
  ['claim-port.ts', ''],
  ['cluster.ts', /^(worker \d: \d+\n){3}$/],
  ['allocator.ts', 'true\n1\ntrue\ntrue\n'],
  ['guarded.ts', 'true\n'],
])('the snippet %s of docs/ways.md does what it says', async (file, says) => {
  const project = playground.project(filesOf(file))
  const { status, stdout, stderr } = await project.run(undefined, file, [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toEqual(typeof says === 'string' ? says : expect.stringMatching(says))
})

test('the install commands name packages that there are', () => {
  const named = [...README.matchAll(/npm install -D (\S+)`/g)].map(([, name]) => name)
  const ours = readdirSync(new URL('packages', root)).map(
    (folder) => (JSON.parse(read(`packages/${folder}/package.json`)) as { name: string }).name,
  )
  expect(named.toSorted()).toEqual(ours.toSorted())
})

test('the commands for contributors are scripts that there are', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...README.matchAll(/npx --yes pnpm@12 (?:run )?(\w+)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(scripts).toHaveProperty(name as string)
})

test('no snippet was left out', () => {
  expect([...(README + WAYS).matchAll(/^```ts/gm)]).toHaveLength(Object.keys(snippets).length)
  expect([...used].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
