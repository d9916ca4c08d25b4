/** Three machines, as network namespaces, whose test suites publish on one host at once. */
import { execFileSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { COMMAND } from '../support/command.ts'
import {
  type DatabaseServer,
  PostgresServer,
  RedisServer,
  whyNoRedis,
} from '../support/database-server.ts'
import { NetworkNamespace } from '../support/namespaces.ts'
import { run } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { PublishingHost } from '../support/publishing-host.ts'
import { TEST_ALL } from '../support/test-all.ts'

const MACHINES = 3
/** In each, nine suites run at once, which slows down every other test. `ROUNDS=20` runs more. */
const ROUNDS = 3
/** Above the ports that the system and other tests use. */
const RANGE = '61024-64991'
const TIMEOUT_MS = 1_800_000

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const PUBLISH = `
  export async function publish(port) {
    const url = process.env.PUBLISH_AT + '/' + port
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 50))
    const published = await fetch(url, { method: 'POST' })
    if (!published.ok) throw new Error(await published.text())
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 50))
    await fetch(url, { method: 'DELETE' })
  }`

const VITEST_FILE = `
  import { test } from '@portslice/vitest-plugin/test'
  import { publish } from '../publish.js'
  test('one', async ({ port }) => publish(port))
  test('several', async ({ port, takePort }) => {
    await Promise.all([port, await takePort(), await takePort()].map(publish))
  })`
const PLAYWRIGHT_FILE = `
  import { test } from '@portslice/playwright-fixture'
  import { publish } from '../publish.js'
  for (const name of ['one', 'two', 'three']) {
    test(name, async ({ port, takePort }) => {
      await Promise.all([port, await takePort()].map(publish))
    })
  }`
/** What each machine publishes in a round. */
const PUBLISHED = 4 * 4 + 2 * 3 * 2 + 2

function project() {
  const files = (folder: string, count: number, text: string) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`${folder}/${i}.${folder}.js`, text]),
    )
  return projects.project({
    'publish.js': PUBLISH,
    'program.js': `
      import { publish } from './publish.js'
      await Promise.all([process.env.A_PORT, process.env.B_PORT].map(publish))`,
    'vitest.config.js': `
      import portslice from '@portslice/vitest-plugin'
      export default { plugins: [portslice()], test: { maxWorkers: 2, testTimeout: 60_000, include: ['test/*.test.js'] } }`,
    'playwright.config.js': `export default { testDir: 'spec', workers: 2, timeout: 60_000, testMatch: '*.spec.js' }`,
    ...files('test', 4, VITEST_FILE),
    ...files('spec', 2, PLAYWRIGHT_FILE),
  })
}

/** Connects a namespace with the host by a pair of interfaces. @returns removes them */
function connect(machine: NetworkNamespace, host: string, index: number): Disposable {
  // Those of an earlier test may not be gone yet.
  const network = Number(host.split('.')[2]) * 10 + index
  const name = `pm${process.pid % 100_000}-${network}`
  const [outer, inner] = [`10.78.${network}.1`, `10.78.${network}.2`]
  const pid = machine.by[1]?.match(/\d+/)?.[0] as string
  const ip = (...args: string[]) => execFileSync('ip', args)
  const inside = (...args: string[]) =>
    execFileSync(machine.by[0] as string, [...machine.by.slice(1), 'ip', ...args])
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}i`)
  ip('link', 'set', `${name}i`, 'netns', pid)
  ip('addr', 'add', `${outer}/24`, 'dev', name)
  if (index === 1) ip('addr', 'add', `${host}/32`, 'dev', name)
  ip('link', 'set', name, 'up')
  inside('addr', 'add', `${inner}/24`, 'dev', `${name}i`)
  inside('link', 'set', `${name}i`, 'up')
  inside('route', 'add', 'default', 'via', outer)
  return { [Symbol.dispose]: () => void ip('link', 'del', name) }
}

interface Engine {
  name: string
  why: string | undefined
  host: string
  start(address: string): Promise<DatabaseServer>
}

const ENGINES: Engine[] = [
  {
    name: 'PostgreSQL',
    why: undefined,
    host: '10.79.1.1',
    start: (address) => PostgresServer.start({ address }),
  },
  {
    name: 'Redis',
    why: whyNoRedis(),
    host: '10.79.2.1',
    start: (address) => RedisServer.start({ address }),
  },
]

describe.each(ENGINES)('$name', ({ why, host, start }) => {
  const name = 'three machines publish on one host, and no port is out twice'
  if (why !== undefined || !TEST_ALL) {
    test.skip(`${name} (${why ?? 'takes minutes'})`, () => {})
    return
  }
  test(name, { timeout: TIMEOUT_MS }, async ({ skip }) => {
    await using machines = new AsyncDisposableStack()
    const namespaces: NetworkNamespace[] = []
    for (let index = 1; index <= MACHINES; index++) {
      const made = await NetworkNamespace.make()
      if (typeof made === 'string') return skip(made)
      namespaces.push(machines.use(made))
      machines.use(connect(made, host, index))
    }
    const server = machines.use(await start(host))
    await server.markAsNew(host)
    const publishing = machines.use(await PublishingHost.start(host))
    const suites = namespaces.map(({ by }) => ({ by, project: project() }))
    const rounds = Number(process.env.ROUNDS ?? ROUNDS)
    for (let round = 0; round < rounds; round++) {
      const runs = suites.flatMap(({ by, project: { folder, lockDirectory } }) => {
        const env = {
          PUBLISH_AT: publishing.url,
          PORTSLICE_HOST: host,
          PORTSLICE_COORDINATOR: server.url,
          PORTSLICE_RANGE: RANGE,
        }
        const options = { by, env, cwd: folder, lockDirectory }
        const node = (...command: string[]) => run([process.execPath, ...command], options)
        const modules = `${folder}/../node_modules`
        return [
          node(`${modules}/vitest/vitest.mjs`, 'run'),
          node(`${modules}/@playwright/test/cli.js`, 'test'),
          node(COMMAND, 'run', '--name', 'a', '--name', 'b', '--', 'node', 'program.js'),
        ]
      })
      const outcomes = await Promise.all(runs)
      const failed = outcomes.filter(({ status }) => status !== 0)
      expect(failed.map(({ stdout, stderr }) => `${stdout}\n${stderr}`)).toEqual([])
    }
    expect(publishing.conflicts).toEqual([])
    expect(publishing.published).toBe(rounds * MACHINES * PUBLISHED)
  })
})
