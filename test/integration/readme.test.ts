/** Every snippet of the pages below is run as it stands there. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { claimPort } from '@portslice/core'
import { afterAll, expect, test } from 'vitest'
import { FixtureProjects } from '../support/project.ts'

const root = new URL('../../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')
const README = read('README.md')
const ALL = ['ways', 'app-server', 'coming-from'].map((page) => read(`docs/${page}.md`)).join('\n')

/** With the packages that one may come from. */
const projects = new FixtureProjects([fileURLToPath(new URL('docs/node_modules', root))])
afterAll(() => projects[Symbol.dispose]())

/** The snippets, by the file that each names in its first line. */
const snippets = Object.fromEntries(
  [...ALL.matchAll(/^```ts\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)].map(([, text, name]) => [name, text]),
) as Record<string, string>

/** Held by whoever runs the snippets with fixed ports; one of these. */
const TURN = 4332

const used = new Set<string>()
function filesOf(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      used.add(name)
      return [name, snippets[name] as string]
    }),
  )
}

test('the globalSetup is named as it is found', async () => {
  const page = read('docs/getting-started.md')
  const [, setting] = /`(test: \{ globalSetup: '[^']+' \})`/.exec(page) ?? []
  const [, hello] = /^```ts\n(\/\/ hello\.test\.ts\n[\s\S]*?)^```$/m.exec(page) ?? []
  const project = projects.project({
    'hello.test.ts': hello as string,
    'vitest.config.js': `export default { ${setting} }`,
  })
  const { status, stdout, stderr } = await project.vitest()
  expect(status, stdout + stderr).toBe(0)
})

/** What the pages call `server.js`. */
const SERVER = `
  import http from 'node:http'
  http.createServer((_, response) => response.end('hello'))
    .listen(process.env.PORT, () => console.log('listens on ' + process.env.PORT))`

test('the snippets for apps pass, in Playwright', async () => {
  const project = projects.project({
    ...filesOf('e2e/playwright.config.ts', 'e2e/shop.spec.ts'),
    'server.js': SERVER,
  })
  const { status, stdout, stderr } = await project.playwright(['--config=e2e', '--reporter=line'])
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toContain('1 passed')
})

test('the snippet for apps passes, in vitest', async () => {
  const project = projects.project({ ...filesOf('shop.test.ts'), 'server.js': SERVER })
  const { status, stdout, stderr } = await project.vitest(['--testTimeout=60000'])
  expect(status, stdout + stderr).toBe(0)
})

test('the snippet for apps runs by itself', async () => {
  const project = projects.project({ ...filesOf('start.ts'), 'server.js': SERVER })
  const { status, stdout, stderr } = await project.run(undefined, 'start.ts', [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^http:\/\/localhost:\d+ \d+ \d+\nhello\n$/)
})

test.each<[string, string | RegExp]>([
  ['ports.ts', /^true 3\n[\s\S]*state: 'held'/],
  ['listen.ts', 'hello\n'],
  ['with-port.ts', 'up\n\n'],
  ['claim-port.ts', ''],
  ['claim-ports.ts', 'true\n4463 true\n'],
  ['prefer.ts', 'true\n'],
  ['cluster.ts', /^(worker \d: \d+\n){3}$/],
  ['allocator.ts', 'true\n1\ntrue\ntrue\n'],
  ['guarded.ts', 'true\n'],
  ['after/net-cluster.ts', 'two ports\n'],
])('the snippet %s does what it says', async (file, says) => {
  const project = projects.project(filesOf(file))
  const { status, stdout, stderr } = await project.run(undefined, file, [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toEqual(typeof says === 'string' ? says : expect.stringMatching(says))
})

test.each([
  ['get-port', 'true true\n', 'true true\n'],
  ['portfinder', 'true 3\n', 'true 3\n'],
  ['detect-port', 'as wanted\n', 'as wanted\ntrue\n'],
  ['wait-on', 'hello\n', 'hello\n'],
])('coming from %s, the code after does what the code before did', async (name, before, after) => {
  // Some of them have fixed ports, so one checkout at a time.
  await using _turn = await claimPort(TURN, { timeout: 240_000 })
  const files = filesOf(`before/${name}.ts`, `after/${name}.ts`)
  const project = projects.project({ ...files, 'server.js': SERVER })
  const outcomes = [
    await project.run(undefined, `before/${name}.ts`, []),
    await project.run(undefined, `after/${name}.ts`, []),
  ]
  expect(outcomes).toMatchObject([
    { status: 0, stderr: '', stdout: before },
    { status: 0, stderr: '', stdout: after },
  ])
})

test('the README names the packages that there are', () => {
  const [, table = ''] = README.split('## Install')
  const named = [...table.matchAll(/^\| .* \| `(\S+)` +\|$/gm)].map(([, name]) => name)
  const manifests = readdirSync(new URL('packages', root)).map(
    (folder) =>
      JSON.parse(read(`packages/${folder}/package.json`)) as { name: string; private?: boolean },
  )
  const published = manifests.filter((manifest) => !manifest.private)
  expect(named.toSorted()).toEqual(published.map(({ name }) => name).toSorted())
})

test('the commands for contributors are scripts that there are', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...README.matchAll(/npx --yes pnpm@12 (?:run )?(\w+)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(0)
  for (const name of named) expect(scripts).toHaveProperty(name as string)
})

test('no snippet was left out', () => {
  expect([...ALL.matchAll(/^```ts/gm)]).toHaveLength(Object.keys(snippets).length)
  expect([...used].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
