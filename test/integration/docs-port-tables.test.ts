/** Runs docs/port-tables.md, also with 100 ports and in two checkouts at once. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAllocator, portHistory } from '@portslice/core'
import { afterAll, expect, test } from 'vitest'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { ownSlices } from '../support/own-slices.ts'
import type { Outcome } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { snippetsOf } from '../support/snippets.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const PAGE = readFileSync(new URL('../../docs/port-tables.md', import.meta.url), 'utf8')
const snippets = Object.fromEntries(
  snippetsOf('docs/port-tables.md').map(({ file, text }) => [file, text]),
) as Record<string, string>

const JEST = fileURLToPath(new URL('../../examples/jest/node_modules', import.meta.url))
const INTERVALS = fileURLToPath(import.meta.resolve('../support/intervals.ts'))
const COMMAND = 'dist/portslice.js'
const PORTS = 100
const REPETITIONS = TEST_ALL ? 20 : 1

const projects = new FixtureProjects([JEST])
afterAll(() => projects[Symbol.dispose]())

const used = new Set(['before/ports.js'])
function files(...names: string[]): Record<string, string> {
  for (const name of names) used.add(name)
  return Object.fromEntries(names.map((name) => [name, snippets[name] as string]))
}

/** Test files that serve on some ports of the table each; `test` is the function of a runner. */
const THREE_PORTS = (imports: string) => `
  import { createServer } from 'node:http'
  import { once } from 'node:events'
  ${imports}
  import { ports } from './ports.js'
  test('serves on every port of the table', async () => {
    const all = [...ports.api, ports.web]
    console.log('table ' + all.join())
    for (const port of all) {
      const server = createServer()
      await once(server.listen(port), 'listening')
      await once(server.close(), 'close')
    }
  })`

/** Asserts that the run passed, and returns its table. */
function tableOf({ status, stdout, stderr }: Outcome): number[] {
  expect(status, stdout + stderr).toBe(0)
  const [, table = ''] = /table ([\d,]+)/.exec(stdout + stderr) ?? []
  return table.split(',').map(Number)
}

test('portslice run --count, with a table at module level', async () => {
  expect(PAGE).toContain('portslice run --count 3 -- node --test')
  const project = projects.project({
    ...files('ports.js'),
    'a.test.js': THREE_PORTS(`import { test } from 'node:test'`),
  })
  const run = ['run', '--name', 'web', '--count', '3', '--', process.execPath, '--test']
  const table = tableOf(await project.run('portslice', COMMAND, run))
  expect(new Set(table).size).toBe(3)
  const bare = await project.run(undefined, 'a.test.js', [])
  expect(bare.status).toBe(1)
  expect(bare.stdout + bare.stderr).toContain('The environment variable $PORTS is not set')
})

test("Jest's globalSetup", async () => {
  const project = projects.project({
    ...files('ports.js', 'global-setup.js', 'jest.config.js'),
    'a.test.js': THREE_PORTS(`import { test } from '@jest/globals'`),
    'b.test.js': THREE_PORTS(`import { test } from '@jest/globals'`),
  })
  const env = { NODE_OPTIONS: '--experimental-vm-modules' }
  const runs = [1, 2].map(() => project.run('jest', 'bin/jest.js', ['-i'], { env }))
  const [one, other] = (await Promise.all(runs)).map(tableOf)
  expect(new Set([...(one as number[]), ...(other as number[])]).size).toBe(6)
})

test("the vitest plugin's option `ports`, and a port for each test", async () => {
  const project = projects.project({
    ...files('ports.js', 'vitest.config.js', 'table.test.js', 'each-test.test.ts'),
    'a.test.js': THREE_PORTS(`import { test } from 'vitest'`),
    'child.test.js': `
      import { execFileSync } from 'node:child_process'
      import { expect, inject, test } from 'vitest'
      test('programs have them as well', () => {
        const script = 'console.log(process.env.PORTS + " " + process.env.PORTSLICE_PORT_API_2)'
        const { api, web } = inject('portslicePorts')
        expect(String(execFileSync(process.execPath, ['-e', script]))).toBe([...api, ...web] + ' ' + api[1] + '\\n')
      })`,
  })
  const [one, other] = await Promise.all([project.vitest(), project.vitest(['--pool=threads'])])
  const tables = [tableOf(one), tableOf(other)]
  expect(new Set(tables.flat()).size).toBe(6)
})

test('a run of vitest holds no port of its table while it waits for all of them', async () => {
  await using slices = await ownSlices(2)
  const project = projects.project({
    'vitest.config.js': `import portslice from '@portslice/vitest-plugin'
      export default {
        plugins: [portslice({ range: [${slices.range}], waitTimeout: 30_000, ports: { api: 20, web: 20 } })]
      }`,
    'a.test.js': `import { inject, test } from 'vitest'
      test('has all', () => console.log('table ' + Object.values(inject('portslicePorts')).flat()))`,
  })
  const { range } = slices
  const { lockDirectory } = project
  const other = await createAllocator({ range, lockDirectory, waitTimeout: 30_000 })
  const { port } = await other.take()
  const run = project.vitest()
  // It has taken all ports of the other slice, and waits for more.
  const slice = port < range[0] + 32 ? range[0] + 32 : range[0]
  const all = Array.from({ length: 31 }, (_, i) => slice + i)
  const taken = async () => {
    const histories = await Promise.all(all.map((each) => portHistory(each, { lockDirectory })))
    return histories.filter(({ uses }) => uses.length > 0).length
  }
  await expect.poll(taken, { interval: 20, timeout: 30_000 }).toBeGreaterThan(20)
  expect(await other.takeMany(40)).toHaveLength(40)
  await other.close()
  expect(new Set(tableOf(await run)).size).toBe(40)
})

test.each(
  firstOf([
    [`{ ports: { api: 0 } }`, 'The option `ports.api` is 0'],
    [`{ ports: { '1web': 1 } }`, 'cannot be named'],
    [`{ ports: { api: 2, 'api-2': 1 } }`, 'names $PORTSLICE_PORT_API_2 twice'],
    [`{ ports: 3 }`, 'The option `ports` is 3'],
  ]),
)('the plugin refuses %s before any worker starts', async (options, words) => {
  const project = projects.project({
    'vitest.config.js': `import portslice from '@portslice/vitest-plugin'
      export default { plugins: [portslice(${options})] }`,
    'a.test.js': `console.log('a worker has started')`,
  })
  const { status, stdout, stderr } = await project.vitest()
  expect(status).toBe(1)
  expect(stdout + stderr).toContain(words)
  expect(stdout).not.toContain('a worker has started')
})

test('two checkouts with a table of 100 ports at once: no port is in both', async () => {
  const suite = (part: number) => `
    import { once } from 'node:events'
    import { createServer } from 'node:net'
    import { test } from 'node:test'
    import { portsFromEnv } from '@portslice/core'
    import { Recorder } from ${JSON.stringify(INTERVALS)}
    const recorder = new Recorder(process.env.RECORD)
    const ports = portsFromEnv().filter((_, index) => index % 2 === ${part})
    test('serves on half of the table', async () => {
      for (const port of ports) {
        const recordRelease = recorder.recordTake(port)
        const server = createServer()
        await once(server.listen(port), 'listening')
        await once(server.close(), 'close')
        recordRelease()
      }
    })`
  const checkout = () => projects.project({ 'a.test.js': suite(0), 'b.test.js': suite(1) })
  const checkouts = [checkout(), checkout()]
  const record = (checkouts[0] as FixtureProject).file('intervals.ndjson')
  const env = { RECORD: record, PORTSLICE_LOCK_DIR: path.join(projects.folder, 'locks') }
  const args = ['run', '--count', `${PORTS}`, '--', process.execPath, '--test']
  for (let i = 0; i < REPETITIONS; i++) {
    const runs = checkouts.map((each) => each.run('portslice', COMMAND, args, { env }))
    for (const { status, stdout, stderr } of await Promise.all(runs)) {
      expect(status, stdout + stderr).toBe(0)
    }
  }
  const intervals = readIntervals(record)
  expect(intervals).toHaveLength(2 * PORTS * REPETITIONS)
  expect(overlaps(intervals)).toEqual([])
})

test('every snippet of the page was run', () => {
  expect([...used].toSorted()).toEqual(Object.keys(snippets).toSorted())
})
