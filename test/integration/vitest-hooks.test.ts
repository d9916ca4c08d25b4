/** `takePort` and `startApp` of the vitest plugin as plain functions, and the test that is named for a leak. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VITESTS } from '../compat/versions.ts'
import { npmInstall } from '../support/installed.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const CONFIG = (options = '', test = '') => `
  import portslice from '@portslice/vitest-plugin'
  export default { plugins: [portslice(${options})], test: { maxWorkers: 1, maxConcurrency: 2, ${test} } }`

const BEGIN = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
  import { listSlices, releasePort, takePort as takePortOfCore } from '@portslice/core'
  import { startApp, takePort } from '@portslice/vitest-plugin/test'
  async function listen(port) {
    const server = http.createServer()
    await once(server.listen(port), 'listening')
    return server
  }
  async function close(server) { await once(server.close(), 'close') }
  function step() {
    let done
    const promise = new Promise((resolve) => { done = resolve })
    return { promise, done }
  }
  async function isOut(port) {
    const ports = (await listSlices()).flatMap(({ ports }) => ports)
    return ports.some((each) => each.port === port && each.state === 'out')
  }`

const LIFETIMES = `${BEGIN}
  const ofFile = await takePort()
  if (process.portOfAfterAll) expect(await isOut(process.portOfAfterAll)).toBe(false)
  let ofSuite, ofTest, ofBody, nested, app, closedLate
  describe('suite', () => {
    beforeAll(async () => {
      ofSuite = await takePort()
      closedLate = await takePort()
      const server = await listen(closedLate)
      app = await startApp({ command: [process.execPath, 'server.js'] })
      return () => close(server)
    })
    beforeEach(async () => { ofTest = await takePort() })
    test('takes', async () => {
      ofBody = await takePort()
      expect(await Promise.all([ofFile, ofSuite, ofTest, ofBody].map(isOut))).toEqual([true, true, true, true])
      ofTest = [ofTest, ofBody]
    })
    describe('nested', () => {
      beforeAll(async () => {
        nested = await takePort()
        expect(await Promise.all([ofBody].map(isOut))).toEqual([false])
      })
      test('has its own', async () => expect(await isOut(nested)).toBe(true))
      afterAll(async () => expect(await isOut(nested)).toBe(true))
    })
    test('after the nested suite', async () => {
      expect(await Promise.all([ofSuite, nested].map(isOut))).toEqual([true, false])
      expect(await (await fetch(app.url)).text()).toBe('the app')
    })
  })
  test('after the suite', async () => {
    expect(await Promise.all([ofFile, ofSuite].map(isOut))).toEqual([true, false])
    await expect(fetch(app.url)).rejects.toThrow()
  })
  describe('concurrent, two at a time', () => {
    let thirdStarts
    const thirdHasStarted = new Promise((resolve) => { thirdStarts = resolve })
    test.concurrent('ends first', async () => { await takePort() })
    test.concurrent('goes on', async ({ expect }) => {
      const port = await takePort()
      await thirdHasStarted
      expect(await isOut(port)).toBe(true)
    })
    test.concurrent('starts when the first has ended', async () => { thirdStarts() })
  })
  describe('a suite begins while a test of another one runs', () => {
    const [runs, hasPort, ends] = [step(), step(), step()]
    describe.concurrent('one', () => {
      test('runs', async () => { runs.done(); await hasPort.promise })
      afterAll(() => ends.done())
    })
    describe.concurrent('other', () => {
      let port
      beforeAll(async () => {
        await runs.promise
        port = await takePort()
        hasPort.done()
        await ends.promise
      })
      test('has its port', async () => expect(await isOut(port)).toBe(true))
    })
  })
  describe('an automatic fixture takes a port', () => {
    const [hasPort, ends] = [step(), step()]
    const it = test.extend({ own: [async ({}, use) => use(await takePort()), { auto: true }] })
    test.concurrent('ends first', () => {})
    test.concurrent('goes on', () => hasPort.promise)
    it.concurrent('starts when the first has ended', async ({ own, expect }) => {
      hasPort.done()
      await ends.promise
      expect(await isOut(own)).toBe(true)
    })
    test.concurrent('starts when the second has ended', () => ends.done())
  })
  describe('the last hook takes a port', () => {
    test('passes', () => {})
    afterAll(async () => { process.portOfAfterAll = await takePort() })
  })`

const LEAKS = `${BEGIN}
  describe('suite', () => {
    let port
    beforeAll(async () => { port = await takePort({ label: 'shared' }) })
    test('leaves its server', async () => { await listen(port) })
    test('wants the port', async () => {
      const error = await listen(port).catch((error) => error)
      expect(error.code).toBe('EADDRINUSE')
      expect(error.message).toContain('portslice: port ' + port + ' has been bound since')
      expect(error.message).toContain('by this same process, left by the test "suite > leaves its server"')
    })
    test('binds twice', async () => {
      const port = await takePort()
      const server = await listen(port)
      const error = await listen(port).catch((error) => error)
      expect(error.message).toContain('the test "suite > binds twice" binds it twice')
      await close(server)
    })
  })
  test('plain', async () => { await listen(await takePort()) })
  describe('of core', () => {
    let port
    beforeAll(async () => { port = await takePortOfCore() })
    test('listens', async () => { await listen(port) })
    test('releases too early', async () => {
      const port = await takePortOfCore()
      await listen(port)
      await releasePort(port)
    })
  })`

const SERVER = `
  import { createServer } from 'node:http'
  createServer((_, response) => response.end('the app')).listen(process.env.PORT)`

/** Runs both files in the same worker, twice if the worker is reused for other files. */
async function expectHooksToWork(where: FixtureProjects, args: string[], isIsolated: boolean) {
  const project = where.project({
    'vitest.config.js': CONFIG(),
    'server.js': SERVER,
    'a.test.js': LIFETIMES,
    'b.test.js': LEAKS,
    'c.test.js': LIFETIMES,
  })
  const { status, stdout, stderr } = await project.vitest(args)
  expect(status, stdout + stderr).toBe(0)
  const lines = stderr.split('\n').filter((line) => line.includes(' left port '))
  const expected = [
    /b\.test\.js > plain left port \d+ in use/,
    /b\.test\.js > suite > beforeAll left port \d+ \("shared"\) in use.*bound by the test "suite > leaves its server"/,
    /b\.test\.js > of core > releases too early left port \d+ in use/,
    ...(isIsolated
      ? [
          /b\.test\.js > of core > beforeAll left port \d+ in use.*bound by the test "of core > listens"/,
        ]
      : []),
  ]
  for (const pattern of expected) expect(stderr).toMatch(pattern)
  expect(lines, stderr).toHaveLength(expected.length)
}

test('ports are released with their test, suite or file; the report names what left one in use', async () => {
  await expectHooksToWork(projects, [], true)
})

describe.runIf(TEST_ALL)('in the other pools, and on older versions', () => {
  const POOLS = [
    [['--pool=forks', '--no-isolate'], false],
    [['--pool=threads'], true],
    [['--pool=threads', '--no-isolate'], false],
    [['--pool=vmForks'], true],
    [['--pool=vmThreads'], true],
  ] as const

  test.each(POOLS)('%j', (args, isIsolated) => expectHooksToWork(projects, [...args], isIsolated))

  describe.each(VITESTS.filter((version) => !version.startsWith('5.1') && version !== '4.0.0'))(
    'vitest %s',
    (version) => {
      const pools = version === VITESTS[0] ? POOLS : POOLS.slice(0, 1)
      let folder: string
      let old: FixtureProjects
      beforeAll(async () => {
        folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-vitest-'))
        await npmInstall(folder, { vitest: version })
        old = new FixtureProjects()
        const linked = path.join(old.folder, 'node_modules', 'vitest')
        rmSync(linked)
        symlinkSync(path.join(folder, 'node_modules', 'vitest'), linked, 'dir')
      }, 240_000)
      afterAll(() => {
        old[Symbol.dispose]()
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      })

      test.each([[[], true] as const, ...pools])('%j', (args, isIsolated) =>
        expectHooksToWork(old, [...args], isIsolated),
      )
    },
  )
})

test('a leak of a hook fails its file with `onLeak: fail`, and is not reported with `ignore`', async () => {
  const leaking = `${BEGIN}
    beforeAll(async () => { await listen(await takePort()) })
    test('passes', () => {})`
  const failing = projects.project({
    'vitest.config.js': CONFIG(`{ onLeak: 'fail' }`),
    'a.test.js': leaking,
  })
  const { status, stdout, stderr } = await failing.vitest()
  expect(status).toBe(1)
  expect(stdout + stderr).toMatch(
    /ERR_PORTSLICE_PORT_LEAKED|beforeAll of the file left port \d+ in use/,
  )
  const silent = projects.project({
    'vitest.config.js': CONFIG(`{ onLeak: 'ignore' }`),
    'a.test.js': leaking,
  })
  const ignored = await silent.vitest()
  expect(ignored.status, ignored.stdout).toBe(0)
  expect(ignored.stdout + ignored.stderr).not.toContain('portslice:')
})

test.runIf(TEST_ALL)(
  'without the plugin they work in isolated files; elsewhere the error says what to do',
  async () => {
    const project = projects.project({
      'vitest.config.js': 'export default { test: { maxConcurrency: 2 } }',
      'server.js': SERVER,
      'a.test.js': LIFETIMES,
      'b.test.js': LIFETIMES,
    })
    const isolated = await project.vitest()
    expect(isolated.status, isolated.stdout + isolated.stderr).toBe(0)
    const shared = await project.vitest(['--no-isolate', '--maxWorkers=1'])
    expect(shared.status).toBe(1)
    expect(shared.stdout + shared.stderr).toContain('takePort() cannot tell when its test ends')
    expect(shared.stdout + shared.stderr).toContain('plugins: [portslice()]')
  },
)
