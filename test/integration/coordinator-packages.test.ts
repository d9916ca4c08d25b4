/** Everything that leases ports (fixtures, apps, commands …) leases those of another host if two variables are set. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { portslice, start, startFile } from '../support/command.ts'
import {
  type DatabaseServer,
  PostgresServer,
  RedisServer,
  whyNoRedis,
} from '../support/database-server.ts'
import { FixtureProjects } from '../support/project.ts'
import { PublishingHost } from '../support/publishing-host.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const TIMEOUT_MS = 240_000

/** Stays while the container runs, and stops it when it is asked to end, as `docker run` does. */
const CONTAINER = `
  const url = process.env.PUBLISH_AT + '/' + process.argv[2]
  const published = await fetch(url, { method: 'POST' })
  if (!published.ok) throw new Error(await published.text())
  console.log('published')
  const timer = setInterval(() => {}, 1000)
  process.on('SIGTERM', async () => {
    await fetch(url, { method: 'DELETE' })
    clearInterval(timer)
  })`

const FILES = {
  'container.js': CONTAINER,
  'publish.js': `
    export async function publish(port) {
      const url = process.env.PUBLISH_AT + '/' + port
      const published = await fetch(url, { method: 'POST' })
      if (!published.ok) throw new Error(await published.text())
      const page = await fetch('http://' + process.env.PORTSLICE_HOST + ':' + port)
      if (await page.text() !== 'container on ' + port) throw new Error('another container')
      await fetch(url, { method: 'DELETE' })
    }`,
  'named.js': `
    import { namedPort } from '@portslice/core'
    import { execFileSync } from 'node:child_process'
    const port = await namedPort('web')
    const inherited = process.env.IS_CHILD
      ? port
      : Number(execFileSync(process.execPath, ['named.js'], { env: { ...process.env, IS_CHILD: '1' } }))
    if (inherited !== port) throw new Error('not inherited')
    console.log(port)
    if (!process.env.IS_CHILD) process.stdin.on('data', () => {}).on('end', () => process.exit())`,
  'app.js': `
    import { startApp } from '@portslice/app-server'
    import { listSlices } from '@portslice/core'
    const app = await startApp({ command: [process.execPath, 'container.js', '{PORT}'], ready: '/' })
    const page = await (await fetch(app.url)).text()
    const isRunning = await app.isRunning()
    await app.stop()
    const out = (await listSlices()).flatMap(({ ports }) => ports)
    console.log(JSON.stringify({ url: app.url, page, isRunning, out }))`,
  'test/a.test.js': `
    import { test } from '@portslice/vitest-plugin/test'
    import { publish } from '../publish.js'
    test('one', async ({ port }) => publish(port))
    test('several', async ({ port, takePort, workerPort }) => {
      await Promise.all([port, await takePort(), workerPort].map(publish))
    })
    test('leaks', async ({ port }) => {
      await fetch(process.env.PUBLISH_AT + '/' + port, { method: 'POST' })
    })`,
  'vitest.config.js': `
    import portslice from '@portslice/vitest-plugin'
    export default { plugins: [portslice()], test: { testTimeout: 60_000, include: ['test/*.test.js'] } }`,
  'spec/a.spec.js': `
    import { test } from '@portslice/playwright-fixture'
    import { publish } from '../publish.js'
    test('one', async ({ port, takePort }) => {
      await Promise.all([port, await takePort()].map(publish))
    })
    test('an app', async ({ app, request, baseURL }) => {
      const page = await (await request.get('/')).text()
      if (page !== 'container on ' + app.port) throw new Error(baseURL + ' is ' + page)
    })`,
  'playwright.config.js': `export default {
      testDir: 'spec',
      timeout: 60_000,
      use: { app: { command: ['node', 'container.js', '{PORT}'] } },
    }`,
}

interface Engine {
  name: string
  why: string | undefined
  /** The hosts of its tests are 127.0.<network>.1, .2 and so on. */
  network: number
  start(): Promise<DatabaseServer>
}

const ENGINES: Engine[] = [
  {
    name: 'PostgreSQL',
    why: undefined,
    network: 3,
    start: () => PostgresServer.start(),
  },
  {
    name: 'Redis',
    why: whyNoRedis(),
    network: 4,
    start: () => RedisServer.start(),
  },
]

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

describe.each(firstOf(ENGINES))('$name', (engine) => {
  if (engine.why !== undefined) {
    test.skip(`all that leases ports (${engine.why})`, () => {})
    return
  }
  let server: DatabaseServer
  beforeAll(async () => {
    server = await engine.start()
  }, TIMEOUT_MS)
  afterAll(async () => server?.[Symbol.asyncDispose]())

  const project = projects.project(FILES)
  let hosts = 0
  /** Another host for each test, and the variables with which a process uses its ports. */
  async function newHost() {
    const address = `127.0.${engine.network}.${++hosts}`
    await server.markAsNew(address)
    const host = await PublishingHost.start(address)
    onTestFinished(() => host[Symbol.asyncDispose]())
    const env = {
      PUBLISH_AT: host.url,
      PORTSLICE_HOST: address,
      PORTSLICE_COORDINATOR: server.url,
      PORTSLICE_RANGE: '22016-22527',
    }
    return {
      host,
      address,
      options: { cwd: project.folder, lockDirectory: project.lockDirectory, env },
    }
  }

  test('run, list, why, map and doctor', { timeout: TIMEOUT_MS }, async () => {
    const { host, address, options } = await newHost()
    const command = ['run', '--name', 'db', '--', process.execPath]
    const container = CONTAINER.replace('process.argv[2]', 'process.env.DB_PORT')
    const running = start([...command, '--input-type=module', '-e', container], options)
    await running.stdout.until((text) => /published/.exec(text), 'published')
    const [port = 0] = host.ports

    const listed = await portslice(['list', '--json'], options)
    const document = JSON.parse(listed.stdout)
    expect(document).toMatchObject({ lockDirectory: null, host: address, claims: [] })
    expect(document.slices).toMatchObject([
      { state: 'held', ports: [{ port, state: 'out', label: 'db', listening: true }] },
    ])
    expect((await portslice(['list'], options)).stdout).toMatch(
      new RegExp(`^ *${port} +listening .*\\bdb\\b`, 'm'),
    )

    const why = JSON.parse((await portslice(['why', `${port}`, '--json'], options)).stdout)
    expect(why).toMatchObject({
      host: address,
      lockDirectory: null,
      state: 'out',
      listening: true,
      slice: { state: 'held' },
      uses: [{ end: 'out', label: 'db', holder: { cwd: project.folder } }],
    })
    const told = (await portslice(['why', `${port}`], options)).stdout
    expect(told).toContain(`Port ${port} is out, and a process listens on it.`)
    expect(told).toContain(`a program on ${address}`)

    const map = await portslice(['map'], options)
    expect(map.status).toBe(0)
    expect(map.stdout).toContain('16 slices of 32 ports, 1 held, 1 port out.')
    expect(map.stdout).toMatch(/^22016 {2}·*█/m)

    const doctor = await portslice(['doctor'], options)
    expect(doctor.stdout).toContain(`The ports of "${address}" are leased through`)
    expect(doctor.status).toBe(0)

    running.child.kill('SIGTERM')
    await running.ended
    expect(host.ports).toEqual([])
    const { uses } = JSON.parse((await portslice(['why', `${port}`, '--json'], options)).stdout)
    expect(uses).toMatchObject([{ end: 'released', label: 'db' }])
    expect((await portslice(['list'], options)).stdout).toBe(`No ports are out on ${address}.\n`)
  })

  test.runIf(TEST_ALL)(
    'run names a container that is left running',
    { timeout: TIMEOUT_MS },
    async () => {
      const script = `fetch(process.env.PUBLISH_AT + '/' + process.env.PORT, { method: 'POST' })`
      const { host, address, options } = await newHost()
      const outcome = await portslice(['run', '--', process.execPath, '-e', script], options)
      const [port = 0] = host.ports
      expect(outcome.stderr).toContain(
        `a process still listens on port ${port}: a program on ${address}.`,
      )
      const told = (await portslice(['why', `${port}`], options)).stdout
      expect(told).toContain(`Port ${port} has leaked`)
      const again = await portslice(['run', '--', 'sh', '-c', 'echo $PORT'], options)
      expect(Number(again.stdout)).toBeGreaterThan(0)
      expect(Number(again.stdout)).not.toBe(port)
    },
  )

  test.runIf(TEST_ALL)('claim: one run at a time', { timeout: TIMEOUT_MS }, async () => {
    const { options } = await newHost()
    const port = 22_021
    const one = start(['claim', `${port}`, '--', 'sh', '-c', 'echo begun; read -r end'], options)
    await one.stdout.until((text) => /begun/.exec(text), 'begun')
    const listed = JSON.parse((await portslice(['list', '--json'], options)).stdout)
    expect(listed.claims).toMatchObject([{ port, cwd: project.folder }])
    const told = (await portslice(['why', `${port}`], options)).stdout
    expect(told).toContain(`Port ${port} is claimed as a fixed port.`)
    const other = start(['claim', `${port}`, '--', 'echo', 'mine'], options)
    await other.stderr.until((text) => /waiting: .*is held by pid/.exec(text), 'waiting')
    one.child.stdin?.end()
    expect((await other.ended).stdout).toBe('mine\n')
    expect((await one.ended).status).not.toBeNull()
  })

  test.runIf(TEST_ALL)('namedPort: one for each run', { timeout: TIMEOUT_MS }, async () => {
    const { options } = await newHost()
    const runs = [0, 1].map(() => startFile(process.execPath, ['named.js'], options))
    const ports = await Promise.all(
      runs.map(async ({ stdout }) => (await stdout.until((text) => /\d+\n/.exec(text), 'port'))[0]),
    )
    expect(new Set(ports).size).toBe(2)
    for (const { child } of runs) child.stdin?.end()
    for (const { ended } of runs) expect((await ended).status).toBe(0)
  })

  test.runIf(TEST_ALL)(
    'startApp with a command that starts a container',
    { timeout: TIMEOUT_MS },
    async () => {
      const { host, address, options } = await newHost()
      const { stdout } = await project.run(undefined, 'app.js', [], options)
      const { url, page, isRunning, out } = JSON.parse(stdout)
      const port = Number(new URL(url).port)
      expect(url).toBe(`http://${address}:${port}`)
      expect(page).toBe(`container on ${port}`)
      expect(isRunning).toBe(true)
      expect(out).toEqual([])
      expect(host.ports).toEqual([])
    },
  )

  test('the fixtures of vitest', { timeout: TIMEOUT_MS }, async () => {
    const { host, options } = await newHost()
    const outcome = await project.vitest([], options)
    const output = outcome.stdout + outcome.stderr
    expect(output).toContain('3 passed')
    expect(output).toMatch(/leaks left port \d+ in use/)
    expect(host.ports).toHaveLength(1)
  })

  test.runIf(TEST_ALL)('the fixtures of Playwright', { timeout: TIMEOUT_MS }, async () => {
    const { host, options } = await newHost()
    const outcome = await project.playwright([], options)
    expect(outcome.stdout).toContain('2 passed')
    expect(host.ports).toEqual([])
  })
})
