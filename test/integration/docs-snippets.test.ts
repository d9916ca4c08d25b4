/** The snippets of docs/ways.md and docs/app-server.md, run unchanged, and the names in README.md and CONTRIBUTING.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { FixtureProjects } from '../support/project.ts'
import { snippetsOf } from '../support/snippets.ts'

const root = new URL('../../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')
const README = read('README.md')

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const snippets = Object.fromEntries(
  ['docs/ways.md', 'docs/app-server.md'].flatMap(snippetsOf).map(({ file, text }) => [file, text]),
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

test('the documented globalSetup name works', async () => {
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

/** The file that the pages call `server.js`. */
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
  const project = projects.project({ ...filesOf('start.mts'), 'server.js': SERVER })
  const { status, stdout, stderr } = await project.run(undefined, 'start.mts', [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^http:\/\/localhost:\d+ \d+ \d+\nhello\n$/)
})

test.each<[string, string | RegExp]>([
  ['ports.mts', /^true 3\n[\s\S]*state: 'held'/],
  ['listen.mts', 'hello\n'],
  ['with-port.mts', 'up\n\n'],
  ['claim-port.mts', ''],
  ['claim-ports.mts', 'true\n4463 true\n'],
  ['prefer.mts', 'true\n'],
  ['cluster.ts', /^(worker \d: \d+\n){3}$/],
  ['allocator.mts', 'true\n1\ntrue\ntrue\n'],
  ['guarded.mts', 'true\n'],
])('the snippet %s does what it says', async (file, says) => {
  const project = projects.project(filesOf(file))
  const { status, stdout, stderr } = await project.run(undefined, file, [])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toEqual(typeof says === 'string' ? says : expect.stringMatching(says))
})

test('the README names the existing packages', () => {
  const [, table = ''] = README.split('## Install')
  const inReadme = [...table.matchAll(/^\| .* \| `(\S+)` +\|$/gm)].map(([, name]) => name)
  // Few users need them; docs/many-machines.md says who.
  const onOtherHosts =
    read('docs/many-machines.md').match(/@portslice\/(?:postgres|redis)\b/g) ?? []
  const named = [...inReadme, ...new Set(onOtherHosts)]
  const manifests = readdirSync(new URL('packages', root)).map(
    (folder) =>
      JSON.parse(read(`packages/${folder}/package.json`)) as { name: string; private?: boolean },
  )
  const published = manifests.filter((manifest) => !manifest.private)
  expect(named.toSorted()).toEqual(published.map(({ name }) => name).toSorted())
})

test('the commands for contributors are existing scripts', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const [, table = ''] = read('CONTRIBUTING.md').split('## All scripts')
  const cells = [...table.matchAll(/^\| (`[^|]+`) +\|/gm)].map(([, cell]) => cell as string)
  const named = cells.flatMap((cell) => cell.match(/(?<=`)[a-z][a-z:]+/g) ?? [])
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

test('no snippet was left out', () => {
  // app-server-tools.test.ts runs Astro with its own config; the other shows names only.
  const notRun = ['astro.config.mjs', 'playwright.config.ts']
  expect([...used, ...notRun].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
