/** Apps on leased ports: started, ready, crashed, stopped, and left by a worker that dies. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type AppOptions, startApp, startApps } from '@portslice/app-server'
import { createAllocator, listSlices, type PortAllocator, type PortLease } from '@portslice/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ownSlices } from '../support/own-slices.ts'
import { cleanEnvironment, isRunning } from '../support/process.ts'
import { listenOn, temporaryFolder } from '../support/until-test-ends.ts'

const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url))
const SERVE = [process.execPath, script('serve.ts')] as const
const evaluate = (code: string) => [process.execPath, '-e', code]

async function ownAllocator(): Promise<PortAllocator & { lockDirectory: string }> {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const allocator = await createAllocator({ lockDirectory })
  onTestFinished(() => allocator.close())
  return Object.assign(Object.create(allocator), {
    lockDirectory,
    takeMany: allocator.takeMany.bind(allocator),
  })
}

/** An allocator with something done to each lease before it is handed out. */
async function allocatorThat(change: (lease: PortLease, count: number) => unknown) {
  const allocator = await ownAllocator()
  const { takeMany } = allocator
  let count = 0
  allocator.takeMany = async (ports, options) => {
    const leases = await takeMany(ports, options)
    for (const lease of leases) await change(lease, ++count)
    return leases
  }
  return allocator
}

async function portsOut(lockDirectory: string) {
  const slices = await listSlices({ lockDirectory })
  return slices.flatMap(({ ports }) =>
    ports.filter(({ state }) => state === 'out').map(({ port, label }) => ({ port, label })),
  )
}

/** Starts an app that is stopped after the test, and returns it with functions that ask it. */
async function start(options: AppOptions, allocator?: PortAllocator) {
  const app = await startApp(options, allocator && { allocator })
  onTestFinished(() => app.stop())
  const ask = async (url: string) => (await fetch(app.url + url)).text()
  return { app, ask, environment: async () => JSON.parse(await ask('/env')) }
}

describe('an app', () => {
  test('serves on its own port from start to stop', async () => {
    const allocator = await ownAllocator()
    const { app, ask } = await start({ command: SERVE, ports: ['db'] }, allocator)
    expect(app.url).toBe(`http://localhost:${app.port}`)
    expect(await ask('/')).toBe(`app of ${app.pid}`)
    await expect.poll(() => app.output()).toBe(`serves on ${app.port}\n`)
    const label = SERVE.join(' ')
    expect(await portsOut(allocator.lockDirectory)).toEqual([
      { port: app.port, label },
      { port: app.ports.db, label: `${label}: db` },
    ])
    await Promise.all([app.stop(), app.stop()])
    expect(isRunning(app.pid)).toBe(false)
    expect(await app.isRunning()).toBe(false)
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
    await expect(fetch(app.url)).rejects.toThrow()
  })

  test('gets its ports in its environment and in place of {PORT}', async () => {
    const { app, environment } = await start({
      command: [...SERVE, '{PORT}', '{WEB_API_PORT}'],
      ports: ['web-api'],
      env: { URL_OF_API: 'http://localhost:{WEB_API_PORT}/', HOME: undefined, PORT: undefined },
    })
    const port = app.ports['web-api']
    const env = await environment()
    expect(env).toMatchObject({
      PORT: String(app.port),
      WEB_API_PORT: String(port),
      URL_OF_API: `http://localhost:${port}/`,
      PATH: expect.stringContaining('node_modules/.bin'),
    })
    expect(env).not.toHaveProperty('HOME')
  })

  test('gets variables of the user instead of ours', async () => {
    const elsewhere = `${os.tmpdir()}/somewhere`
    const { app, environment } = await start({
      command: `MORE='{PORT}' '${SERVE[0]}' '${SERVE[1]}' | cat`,
      env: { TMPDIR: elsewhere },
    })
    expect(await environment()).toMatchObject({ MORE: String(app.port), TMPDIR: elsewhere })
  })

  test('ends with all its processes before its port is given back', async () => {
    let atRelease: boolean[] | undefined
    let pids: number[] = []
    const allocator = await allocatorThat((lease) => {
      const { release } = lease
      lease.release = () => {
        atRelease ??= pids.map(isRunning)
        return release.call(lease)
      }
    })
    const { app } = await start(
      {
        command: `'${SERVE[0]}' '${SERVE[1]}' & wait`,
        env: { DAEMON: '1' },
        ready: /daemon \d+/,
        stopTimeout: 300,
      },
      allocator,
    )
    pids = [app.pid, Number(/daemon (\d+)/.exec(app.output())?.[1])]
    expect(pids.map(isRunning)).toEqual([true, true])
    await app.stop()
    expect(atRelease).toEqual([false, false])
  })

  test('that has crashed is started again on the same port', async () => {
    const { app, ask } = await start({ command: SERVE, ports: ['db'] })
    const { port, ports, pid } = app
    await expect.poll(() => app.output()).not.toBe('')
    const place = app.printed
    await ask('/exit').catch(() => {})
    await expect.poll(() => app.isRunning()).toBe(false)
    await app.restart()
    expect(await ask('/')).toBe(`app of ${app.pid}`)
    expect([app.port, app.ports]).toEqual([port, ports])
    expect(app.pid).not.toBe(pid)
    await expect.poll(() => app.output(place)).toBe(`serves on ${port}\n`)
    await app.stop()
    await expect(app.restart()).rejects.toMatchObject({ code: 'ERR_PORTSLICE_CLOSED' })
  })

  test('is ready after a restart only when it says so again', async () => {
    const { app, ask } = await start({
      command: SERVE,
      env: { START_AFTER: '300' },
      ready: /serves on \d+/,
    })
    for (let i = 0; i < 2; i++) {
      await ask('/exit').catch(() => {})
      await app.restart()
      expect(await ask('/')).toBe(`app of ${app.pid}`)
    }
  })

  test('that has crashed in the watch mode of a tool does not run', async () => {
    const { app, ask } = await start({ command: `'${SERVE[0]}' '${SERVE[1]}'; sleep 1000` })
    await ask('/exit').catch(() => {})
    await expect.poll(() => app.isRunning()).toBe(false)
    await app.restart()
    expect(await ask('/')).toMatch(/^app of/)
  })

  test('that becomes a daemon is still one app', async () => {
    const { app, ask } = await start({
      command: `'${SERVE[0]}' '${SERVE[1]}' & exit 0`,
      env: { START_AFTER: '300' },
    })
    expect(await ask('/')).not.toBe(`app of ${app.pid}`)
    expect([isRunning(app.pid), await app.isRunning()]).toEqual([false, true])
    await app.stop()
    await expect(fetch(app.url)).rejects.toThrow()
  })

  test('is ended when its start is aborted', async () => {
    const allocator = await ownAllocator()
    const abort = new AbortController()
    let pid = -1
    const ready: AppOptions['ready'] = (app) => {
      pid = app.pid
      abort.abort(new Error('called off'))
      return false
    }
    const starting = startApp({ command: 'sleep 1000', ready }, { allocator, signal: abort.signal })
    await expect(starting).rejects.toThrow('called off')
    expect(pid).toBeGreaterThan(0)
    expect(isRunning(pid)).toBe(false)
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
  })
})

describe('an app is ready', () => {
  const slowly = { START_AFTER: '200' }

  test.each<[string, AppOptions['ready']]>([
    ['when it listens', undefined],
    ['when a path answers', '/status/403'],
    ['when a URL answers', 'http://127.0.0.1:{PORT}/status/302'],
    ['when its output matches', /serves on \d+/g],
    ['when a function says so, whatever it threw before', async ({ url }) => (await fetch(url)).ok],
  ])('%s', async (_, ready) => {
    const { ask } = await start({ command: SERVE, env: slowly, ...(ready && { ready }) })
    expect(await ask('/')).toMatch('app of')
  })

  test.each<[string, (url: string) => AppOptions['ready'], RegExp]>([
    ['its output does not match', () => /elsewhere/, /its output does not match \/elsewhere\/\./],
    ['its page is missing', (url) => `${url}/404`, /:\d+\/404 answers with status 404\./],
    ['its page has an error', (url) => `${url}/500`, /:\d+\/500 answers with status 500\./],
    [
      'the port is closed',
      () => 'http://127.0.0.1:1',
      /http:\/\/127\.0\.0\.1:1\/ does not answer \(connect ECONNREFUSED/,
    ],
    ['the function says no', () => () => false, /`ready` does not return true\./],
    [
      'the function throws',
      () => () => Promise.reject(new Error('thrown')),
      /`ready` throws: thrown\./,
    ],
    ['the function never answers', () => () => new Promise(() => {}), /has not answered yet/],
  ])('not when %s', async (_, readyAt, message) => {
    // This server already runs, so the result does not depend on the timeout.
    const server = http.createServer(({ url }, response) => {
      response.writeHead(Number(url?.slice(1))).end()
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0), 'listening')
    const { port } = server.address() as net.AddressInfo
    const ready = readyAt(`http://localhost:${port}`)
    const starting = startApp({
      command: 'sleep 1000',
      ...(ready && { ready }),
      startTimeout: 1500,
    })
    await expect(starting).rejects.toThrow(message)
    await expect(starting).rejects.toThrow('was not ready after 1500 ms')
  })
})

describe('an app that does not start', () => {
  test.each<[string, AppOptions, string[]]>([
    [
      'ends before it is ready',
      {
        command: evaluate(
          'console.log("\u001b[1mhello\u001b[0m"); console.error("\\u0007oh"); process.exitCode = 3',
        ),
      },
      [
        'ended with exit status 3 before it was ready.',
        '\n  hello\n',
        '\n  \\u0007oh\n',
        'run it by hand in',
      ],
    ],
    ['is killed', { command: 'kill -9 $$' }, ['The app `kill -9 $$` was ended by SIGKILL']],
    [
      'is not found',
      { command: ['no-such-app', '1'] },
      ['`no-such-app 1` could not be started (ENOENT)', 'No such program.'],
    ],
    [
      'is not found by the shell',
      { command: 'no-such-app 1' },
      ['exit status 127', 'No such program.', 'not found\n'],
    ],
    [
      'is a command line in an array',
      { command: ['node server.js'] },
      ['give a complete command line as a string'],
    ],
    ['may not be executed', { command: [script('serve.ts')] }, ['(EACCES)', 'chmod +x']],
    ['ends well', { command: 'exit 0' }, ['ended with exit status 0 before it was ready']],
    [
      'listens elsewhere',
      { command: evaluate('require("net").createServer().listen(0)'), startTimeout: 500 },
      ['nothing listens on port', 'but the app listens on', 'Tell the app its port'],
    ],
  ])('because it %s', async (_, options, parts) => {
    const allocator = await ownAllocator()
    const error = await startApp(options, { allocator }).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_PORTSLICE_APP_START' })
    for (const part of parts) expect((error as Error).message).toContain(part)
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
  })

  test.each<[string, object, string]>([
    ['no command', {}, 'The option `command` is missing.'],
    ['an empty command', { command: [] }, 'The option `command` is [].'],
    ['an option that there is not', { command: 'x', port: 1 }, 'There is no option `port`'],
    [
      'a directory that does not exist',
      { command: 'x', cwd: '/no/such' },
      'The option `cwd` is "/no/such".',
    ],
    ['a port that has no name', { command: 'x {DB_PORT}' }, 'There is no port for {DB_PORT}'],
    ['ports of one name', { command: 'x', ports: ['a', 'A'] }, 'would both be in $A_PORT'],
    ['a page that is not a URL', { command: 'x', ready: 'health' }, 'neither a path nor a URL'],
    ['a negative time', { command: 'x', stopTimeout: -1 }, 'The option `stopTimeout` is -1.'],
  ])('because it has %s', async (_, options, message) => {
    const starting = startApp(options as AppOptions)
    await expect(starting).rejects.toMatchObject({ code: 'ERR_PORTSLICE_OPTION_INVALID' })
    await expect(starting).rejects.toThrow(message)
  })
})

describe('the error of an app that is not ready in time says what to change', () => {
  test.each<[string, AppOptions, string[], string[]]>([
    [
      'its page is missing',
      { command: SERVE, ready: '/status/404' },
      [
        '/status/404 answers with status 404',
        'The app listens on its port. Change `ready` to a page',
      ],
      ['Check that', '$PORT'],
    ],
    [
      'its page fails',
      { command: SERVE, ready: '/status/500' },
      ['answers with status 500', 'Change `ready` to a page'],
      ['Check that', '$PORT'],
    ],
    [
      'it does not print that',
      { command: SERVE, ready: /never/ },
      ['does not match /never/', 'The app listens on its port. Change `ready` to something'],
      ['Check that', '$PORT'],
    ],
    [
      'the function says no',
      { command: SERVE, ready: () => false },
      ['`ready` does not return true', 'The app listens on its port. Change `ready`'],
      ['Check that', '$PORT'],
    ],
    [
      'it is slow, and there is no `ready`',
      { command: SERVE, env: { START_AFTER: '300000' } },
      ['nothing listens on port', 'raise `startTimeout` if it only needs longer'],
      ['`ready`'],
    ],
    [
      'its command takes the environment away',
      { command: `env -i '${SERVE[0]}' -e 'setInterval(() => {}, 1000)'` },
      ['The command did not pass $PORT on: process', 'setInterval', 'runs without it'],
      ['`ready`'],
    ],
    [
      'its command takes the environment away, and the app listens elsewhere',
      { command: `env -i '${SERVE[0]}' -e 'require("net").createServer().listen(0)'` },
      ['but the app listens on', 'The command did not pass $PORT on: process'],
      ['Tell the app its port'],
    ],
    [
      'its command takes the environment away, but was told the port',
      { command: `env -i '${SERVE[0]}' -e 'setInterval(() => {}, 1000)' {PORT}` },
      ['nothing listens on port'],
      ['did not pass'],
    ],
  ])('%s', async (_, options, has, hasNot) => {
    const messageWithin = async (startTimeout: number) =>
      ((await startApp({ ...options, startTimeout }).catch((error) => error)) as Error).message
    let message = await messageWithin(3000)
    // On a busy machine the app may not be up by then, and the message is another one.
    if (!has.every((part) => message.includes(part))) message = await messageWithin(30_000)
    for (const part of has) expect(message).toContain(part)
    for (const part of hasNot) expect(message).not.toContain(part)
  })
})

describe('an app that says that it is ready', () => {
  test('and ends then: it is not ready', async () => {
    const starting = startApp({
      command: 'echo ready; exit 3',
      ready: /ready/,
    })
    await expect(starting).rejects.toThrow('ended with exit status 3 before it was ready')
  })
})

describe.runIf(process.platform === 'linux')(
  'a helper that leaves its parent after the start',
  () => {
    test('with an environment of its own: it ends with the app', async () => {
      const go = path.join(temporaryFolder(), 'go')
      const { app } = await start({
        command: `'${SERVE[0]}' '${SERVE[1]}' & while [ ! -e '${go}' ]; do sleep 0.05; done
        (env -i sleep 1000 & echo helper $!; sleep 6; echo left) & wait`,
        ready: '/',
      })
      writeFileSync(go, '')
      await expect.poll(() => app.output(), { timeout: 30_000 }).toContain('left')
      const pid = Number(/helper (\d+)/.exec(app.output())?.[1])
      expect(isRunning(pid)).toBe(true)
      await app.stop()
      expect(isRunning(pid)).toBe(false)
    })
  },
)

describe('a program that does not use portslice takes the port', () => {
  const MOVES_ON = evaluate(`
    const { existsSync } = require('node:fs')
    const { PORT, START_WHEN } = process.env
    const server = require('node:net').createServer()
    server.on('error', () => {
      console.log('Port ' + PORT + ' is in use, trying another one...')
      server.listen(0)
    })
    const wait = setInterval(() => {
      if (!existsSync(START_WHEN + PORT)) return
      clearInterval(wait)
      server.listen(PORT)
    }, 5)`)

  test.each<[string, readonly string[]]>([
    ['gives up', SERVE],
    ['moves on to another port', MOVES_ON],
  ])('while the app comes up: one that %s is started on another', async (_, command) => {
    const allocator = await ownAllocator()
    const go = path.join(temporaryFolder(), 'go-')
    const tried: number[] = []
    const { app } = await start(
      {
        command,
        env: { START_WHEN: go },
        ready: async ({ port }) => {
          if (!tried.includes(port)) {
            tried.push(port)
            if (tried.length <= 2) await listenOn(port)
            writeFileSync(go + port, '')
          }
          const connection = net.connect(port, 'localhost')
          await once(connection, 'connect')
          connection.destroy()
          return true
        },
      },
      allocator,
    )
    expect(new Set(tried).size).toBe(3)
    expect(app.port).toBe(tried[2])
    expect(await portsOut(allocator.lockDirectory)).toMatchObject([{ port: app.port }])
  })

  test('before the app starts: it starts on another port', async () => {
    const tried: number[] = []
    const allocator = await allocatorThat(async ({ port }, count) => {
      tried.push(port)
      if (count <= 2) await listenOn(port)
    })
    const file = path.join(temporaryFolder(), 'starts')
    const { app } = await start(
      { command: `echo $PORT >> '${file}'; exec '${SERVE[0]}' '${SERVE[1]}'` },
      allocator,
    )
    expect(app.port).toBe(tried[2])
    expect(readFileSync(file, 'utf8')).toBe(`${app.port}\n`)
  })

  test('again and again: the start fails', async () => {
    let tries = 0
    const allocator = await allocatorThat(({ port }) => {
      tries++
      return listenOn(port)
    })
    const starting = startApp({ command: SERVE }, { allocator })
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_PORTSLICE_APP_START',
      message: expect.stringMatching(/found port \d+ taken by another program\./),
    })
    await expect(starting).rejects.toThrow(/The start was tried on the ports (\d+, ){3}\d+,/)
    expect(tries).toBe(4)
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
  })

  test('on behalf of the app: the app is ready', async () => {
    // Servers of containers bind the port for the app, and are not its descendants.
    let isOccupied = false
    const { app } = await start({
      command: 'sleep 1000',
      ready: async ({ port }) => {
        if (!isOccupied) await listenOn(port)
        isOccupied = true
        return true
      },
    })
    expect(await app.isRunning()).toBe(true)
  })
})

describe('several apps', () => {
  test("know each other's ports, and start one after the other", async () => {
    const allocator = await ownAllocator()
    const apps = await startApps(
      {
        api: { command: SERVE, ports: ['db'], env: { START_AFTER: '200' } },
        web: { command: SERVE, ready: async ({ url }) => (await fetch(url)).ok },
      },
      { allocator },
    )
    onTestFinished(() => apps[Symbol.asyncDispose]())
    const [ofApi, ofWeb] = await Promise.all(
      [apps.api, apps.web].map(async ({ url }) => (await fetch(`${url}/env`)).json()),
    )
    const all = {
      API_PORT: String(apps.api.port),
      DB_PORT: String(apps.api.ports.db),
      WEB_PORT: String(apps.web.port),
    }
    expect(new Set(Object.values(all)).size).toBe(3)
    expect(ofApi).toMatchObject({ ...all, PORT: all.API_PORT })
    expect(ofWeb).toMatchObject({ ...all, PORT: all.WEB_PORT })
    expect(apps.web.ports).toEqual({})
    expect((await portsOut(allocator.lockDirectory)).map(({ label }) => label).toSorted()).toEqual([
      'api',
      'api: db',
      'web',
    ])
    await apps[Symbol.asyncDispose]()
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
    expect([apps.api.pid, apps.web.pid].map(isRunning)).toEqual([false, false])
  })

  test('take all ports together, or hold none while they wait', async () => {
    await using slices = await ownSlices(2)
    const lockDirectory = path.join(temporaryFolder(), 'locks')
    const options = { lockDirectory, range: slices.range, waitTimeout: 30_000 }
    await using other = await createAllocator(options)
    await using allocator = await createAllocator(options)
    const [first] = await other.takeMany(1)
    const ports = Array.from({ length: 20 }, (_, i) => `p${i}`)
    const starting = startApps(
      {
        api: { command: SERVE, ports },
        web: { command: SERVE, ports: ports.map((p) => `web-${p}`) },
      },
      { allocator },
    )
    const rest = await other.takeMany(40)
    for (const lease of [first as PortLease, ...rest]) await lease.release()
    await other.close()
    await using apps = await starting
    expect(Object.keys({ ...apps.api.ports, ...apps.web.ports })).toHaveLength(40)
  })

  test('all start again when the port of one was taken, because the others know it', async () => {
    const allocator = await allocatorThat(async ({ port }, count) => {
      if (count === 2) await listenOn(port)
    })
    const apps = await startApps(
      { api: { command: SERVE }, web: { command: SERVE } },
      { allocator },
    )
    onTestFinished(() => apps[Symbol.asyncDispose]())
    const env = await (await fetch(`${apps.api.url}/env`)).json()
    expect(env).toMatchObject({ PORT: String(apps.api.port), WEB_PORT: String(apps.web.port) })
  })

  test('all end when one does not start', async () => {
    const allocator = await ownAllocator()
    let pid = -1
    const starting = startApps(
      {
        api: {
          command: SERVE,
          ready: (app) => {
            pid = app.pid
            return app.output() !== ''
          },
        },
        web: { command: 'exit 1' },
      },
      { allocator },
    )
    await expect(starting).rejects.toThrow('The app "web" (`exit 1`) ended with exit status 1')
    expect(isRunning(pid)).toBe(false)
    expect(await portsOut(allocator.lockDirectory)).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('a worker that leaves its app', () => {
  test.each([
    ['dies by SIGKILL', 'stay'],
    ['ends without stopping it', 'end'],
  ])(
    'and %s: no process of the app is left, and no other process got its port',
    async (_, mode) => {
      const lockDirectory = path.join(temporaryFolder(), 'locks')
      const worker = spawn(process.execPath, [script('start-app-with-daemon.ts'), mode], {
        env: { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: lockDirectory },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void worker.kill('SIGKILL'))
      const [line] = (await once(createInterface(worker.stdout), 'line')) as [string]
      const { port, pids } = JSON.parse(line) as { port: number; pids: number[] }
      onTestFinished(() => {
        for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL')
      })
      if (mode === 'stay') {
        expect(pids.map(isRunning)).toEqual([true, true])
        worker.kill('SIGKILL')
      }
      if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit')

      // Ports are handed out in order, so this one would come first if it had been released.
      const slice = port & ~31
      const next = await createAllocator({ lockDirectory, range: [slice, slice + 31] })
      onTestFinished(() => next.close())
      const taken = await next.takeMany(20)
      expect(taken.map((lease) => lease.port)).not.toContain(port)

      await expect.poll(() => pids.map(isRunning), { timeout: 30_000 }).toEqual([false, false])
      await expect.poll(() => watchdogsOf(lockDirectory), { timeout: 30_000 }).toEqual([])
    },
  )
})

/** The watchdogs of workers with this lock directory. */
function watchdogsOf(lockDirectory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const of = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
      return of('cmdline').includes('portslice-watchdog') && of('environ').includes(lockDirectory)
    } catch {
      return false
    }
  })
}
