/** Apps with common tools: tests that replace HTTP, bundlers, compiled programs, dev servers. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { releasePort, takePort } from '@portslice/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { compileScript } from '../support/compile-script.ts'
import { npmInstall } from '../support/installed.ts'
import { isRunning, run, TestProcess } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

/** The tested versions of tools, from npm. */
const TOOLS = {
  esbuild: '0.28.2',
  msw: '3.0.5',
  nock: '15.0.6',
  vite: '8.3.8',
  // They have several hundred megabytes.
  ...(TEST_ALL && {
    '@oven/bun-linux-x64': '1.4.5',
    astro: '7.3.5',
    postject: '1.0.0-alpha.6',
    turbo: '2.11.11',
  }),
}
const DOCS = readFileSync(new URL('../../docs/app-server.md', import.meta.url), 'utf8')
const IS_LINUX = process.platform === 'linux'
const SERVER =
  "require('node:http').createServer((_, answer) => answer.end('here')).listen(process.env.PORT)"
const SERVE = `'${process.execPath}' server.cjs`

const tools = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'portslice-tools-')))
let projects: FixtureProjects

beforeAll(async () => {
  await npmInstall(tools, TOOLS, ['--force'])
  projects = new FixtureProjects([path.join(tools, 'node_modules')])
}, 300_000)
afterAll(() => {
  projects?.[Symbol.dispose]()
  rmSync(tools, { recursive: true, force: true, maxRetries: 5 })
}, 120_000)

function tool(file: string): string {
  return path.join(tools, 'node_modules', file)
}

/** Runs a script of a project, and returns its output. */
async function output(files: Record<string, string>): Promise<string> {
  const project = projects.project({ 'server.cjs': SERVER, ...files })
  const { status, stdout, stderr } = await project.run(undefined, 'main.js', [])
  expect(status, stdout + stderr).toBe(0)
  return stdout + stderr
}

/** A script that starts an app, and prints its page or its error. */
const START = `
  import { startApp } from '@portslice/app-server'
  async function start(options) {
    try {
      await using app = await startApp(options)
      return 'ready'
    } catch (error) {
      return error.message
    }
  }`

describe('readiness does not depend on what a test replaces', () => {
  const COMMAND = JSON.stringify(SERVE)

  test('MSW that answers for the app: it is not ready before it listens', async () => {
    const printed = await output({
      'main.js': `${START}
        import { http, HttpResponse } from 'msw'
        import { setupServer } from 'msw/node'
        const server = setupServer(http.get('*/health', () => HttpResponse.json({ ok: true })))
        server.listen({ onUnhandledRequest: 'bypass' })
        const mocked = await fetch('http://localhost:48999/health')
        console.log('mocked:', mocked.status)
        console.log(await start({ command: 'sleep 1000', ready: '/health', startTimeout: 1500 }))
        console.log(await start({ command: ${COMMAND}, ready: '/health' }))`,
    })
    expect(printed).toContain('mocked: 200\n')
    expect(printed).toMatch(
      /was not ready after 1500 ms: .*\/health does not answer \(connect ECONN/,
    )
    expect(printed).toMatch(/\nready\n$/)
  })

  test('nock that blocks all requests does not affect it', async () => {
    const printed = await output({
      'main.js': `${START}
        import nock from 'nock'
        nock.disableNetConnect()
        console.log(await fetch('http://localhost:48999/').catch(({ message, cause }) => message + cause))
        console.log(await start({ command: ${COMMAND}, ready: '/' }))`,
    })
    expect(printed).toMatch(/Nock: Disallowed net connect/)
    expect(printed).toMatch(/\nready\n$/)
  })

  test('functions of Node that fail, and timers that never fire', async () => {
    const printed = await output({
      'main.js': `${START}
        import http from 'node:http'
        import net from 'node:net'
        import timers from 'node:timers'
        import dns from 'node:dns'
        import { syncBuiltinESMExports } from 'node:module'
        const fail = () => { throw new Error('replaced') }
        Object.assign(http, { get: fail, request: fail })
        Object.assign(net, { connect: fail, createConnection: fail })
        net.Socket.prototype.connect = fail
        Object.assign(dns, { lookup: fail })
        dns.promises.lookup = fail
        globalThis.fetch = fail
        for (const each of [globalThis, timers]) {
          Object.assign(each, { setTimeout: () => ({ unref() {} }), setImmediate: () => ({}) })
        }
        syncBuiltinESMExports()
        console.log(await start({ command: ${COMMAND}, ready: '/' }))
        console.log(await start({ command: ${COMMAND} }))`,
    })
    expect(printed).toBe('ready\nready\n')
  })
})

test("Vite's port for changes is in use, and the app fails for another reason: no retry", async () => {
  // Another run of this test, or a Vite, may have it already.
  const occupied = net.createServer().on('error', () => {})
  occupied.listen(24_678)
  onTestFinished(() => void occupied.close())
  const printed = await output({
    'app.js': `
      import { appendFileSync } from 'node:fs'
      import { createServer } from 'vite'
      appendFileSync('starts', 'x')
      const { warn, error } = console
      const said = new Promise((resolve) => {
        console.error = (...args) => { error(...args); resolve() }
      })
      await createServer({ server: { middlewareMode: true }, root: import.meta.dirname })
      await said
      throw new Error('DATABASE_URL is not set')`,
    'main.js': `${START}
      import { readFileSync } from 'node:fs'
      console.log(await start({ command: 'node app.js' }))
      console.log('starts: ' + readFileSync('starts', 'utf8').length)`,
  })
  expect(printed).toContain('Port 24678 is already in use')
  expect(printed).toMatch(/ended with exit status 1 before it was ready/)
  expect(printed).toContain('DATABASE_URL is not set')
  expect(printed).not.toContain('The start was tried on the ports')
  expect(printed).toContain('starts: 1\n')
})

describe.runIf(IS_LINUX)('an app ends with a killed program', () => {
  const SCRIPT = fileURLToPath(new URL('processes/run-app-until-killed.ts', import.meta.url))

  interface Left {
    child: TestProcess
    /** The process of the app. */
    pid: number
    stderr: () => string
    starts: () => number
  }

  async function leave(
    project: FixtureProject,
    args: readonly string[],
    env: Record<string, string> = {},
  ) {
    const starts = project.file('starts')
    const child = new TestProcess(args, {
      cwd: project.folder,
      lockDirectory: project.lockDirectory,
      env: { COMMAND: `exec ${SERVE}`, STARTS: starts, ...env },
    })
    onTestFinished(() => void child.signal('SIGKILL'))
    const { stdout, stderr } = child
    const { url, pid } = await stdout
      .until((text) => /^\{.*\}$/m.exec(text), 'what runs')
      .then(([line]) => JSON.parse(line) as { url: string; pid: number })
      .catch((error: Error) => expect.fail(`${error.message}\n${stderr.text}`))
    onTestFinished(() => {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    })
    expect(await (await fetch(url)).text()).toBe('here')
    const left: Left = {
      child,
      pid,
      stderr: () => stderr.text,
      starts: () => readFileSync(starts, 'utf8').trim().split('\n').length,
    }
    return left
  }

  async function expectEndOf({ child, pid }: Left): Promise<void> {
    await child.kill()
    await expect.poll(() => isRunning(pid), { timeout: 30_000 }).toBe(false)
  }

  /** A directory without our packages, like that of a bundle. */
  function apart(files: Record<string, string>): FixtureProject {
    const project = projects.project(files)
    const modules = path.join(project.folder, 'node_modules', '@portslice')
    mkdirSync(modules, { recursive: true })
    return project
  }

  async function bundleProject(format: 'cjs' | 'esm'): Promise<FixtureProject> {
    const project = projects.project({
      'main.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs': SERVER,
    })
    const esbuild = [tool('@esbuild/linux-x64/bin/esbuild'), 'main.js', '--bundle']
    await run([...esbuild, '--platform=node', `--format=${format}`, '--outfile=out/main.js'], {
      cwd: project.folder,
    })
    const alone = apart({
      'server.cjs': SERVER,
      'package.json': JSON.stringify({ type: format === 'esm' ? 'module' : 'commonjs' }),
      'main.js': readFileSync(project.file('out/main.js'), 'utf8'),
    })
    return alone
  }

  test.each(['cjs', 'esm'] as const)('bundled by esbuild: %s', async (format) => {
    const left = await leave(await bundleProject(format), [process.execPath, 'main.js'])
    await expectEndOf(left)
    expect(left.stderr()).toBe('')
  })

  describe.runIf(TEST_ALL)('as a single executable', () => {
    let project: FixtureProject
    beforeAll(async () => {
      project = await bundleProject('cjs')
      writeFileSync(
        project.file('sea.json'),
        '{ "main": "main.js", "output": "sea.blob", "disableExperimentalSEAWarning": true }',
      )
      const cwd = project.folder
      await run([process.execPath, '--experimental-sea-config', 'sea.json'], { cwd })
      copyFileSync(process.execPath, project.file('program'))
      const postject = [process.execPath, tool('postject/dist/cli.js'), 'program']
      const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2']
      await run([...postject, 'NODE_SEA_BLOB', 'sea.blob', ...fuse], { cwd })
    }, 120_000)

    test('with a Node on the PATH', async () => {
      const PATH = path.dirname(process.execPath)
      const left = await leave(project, ['./program'], { PATH })
      await expectEndOf(left)
      expect([left.stderr(), left.starts()]).toEqual(['', 1])
    })

    test('without one: says so, and does not start itself again', async () => {
      rmSync(project.file('starts'))
      const left = await leave(project, ['./program'], { PATH: '/nowhere' })
      expect(left.starts()).toBe(1)
      expect(left.stderr()).toMatch(
        /PORTSLICE_WATCHDOG\] PortsliceWarning: The watchdog of the apps cannot run \(spawn node ENOENT\)\. This program is a single executable/,
      )
    })
  })

  test.runIf(TEST_ALL && process.arch === 'x64')('compiled by Bun', async () => {
    const port = await takePort()
    onTestFinished(() => void releasePort(port))
    const bun = tool('@oven/bun-linux-x64/bin/bun')
    chmodSync(bun, 0o755)
    const project = projects.project({
      'main.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs': SERVER,
    })
    await run([bun, 'build', '--compile', 'main.js', '--outfile', 'program'], {
      cwd: project.folder,
    })
    const left = await leave(project, ['./program'], { TAKEN_PORT: String(port) })
    await expectEndOf(left)
    expect([left.stderr(), left.starts()]).toEqual(['', 1])
  })

  test('that always starts itself: its copy ends at once', async () => {
    const project = projects.project({
      'main.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs': SERVER,
      // Like an Electron that was built without the option to run as Node.
      program: `#!/bin/sh\nexec '${process.execPath}' main.js\n`,
    })
    const program = project.file('program')
    chmodSync(program, 0o755)
    writeFileSync(
      program,
      `#!/bin/sh\ncd '${project.folder}' && exec '${process.execPath}' main.js\n`,
    )
    const left = await leave(project, [program], { EXEC_PATH: program })
    await expect.poll(() => left.stderr()).toContain('PORTSLICE_WATCHDOG')
    expect(left.stderr()).toContain('This program cannot be the watchdog of its apps')
    expect(left.starts()).toBe(1)
  })

  test('whose watchdog was killed before: a new one ends it', async () => {
    const project = projects.project({
      'main.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs': SERVER,
    })
    const left = await leave(project, [process.execPath, 'main.js'])
    for (let i = 0; i < 2; i++) {
      const [watchdog] = watchdogsOf(left.child)
      process.kill(watchdog as number, 'SIGKILL')
      await expect
        .poll(() => watchdogsOf(left.child).filter((each) => each !== watchdog && isUp(each)))
        .toHaveLength(1)
    }
    await expectEndOf(left)
    expect(left.stderr()).toBe('')
  })

  test('with its whole process group', async () => {
    const project = projects.project({
      'main.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs': SERVER,
    })
    // A session of its own makes the program the first of its group; the app has left it.
    const left = await leave(project, ['setsid', process.execPath, 'main.js'], {
      COMMAND: `exec setsid ${SERVE}`,
    })
    process.kill(-(left.child.pid as number), 'SIGKILL')
    await expectEndOf(left)
  })
})

/** The watchdogs that a process has started. */
function watchdogsOf({ pid }: TestProcess): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((each) => {
      try {
        const of = (file: string) => readFileSync(`/proc/${each}/${file}`, 'utf8')
        const [, parent] = /^\d+ \(.*\) \S (\d+)/.exec(of('stat')) ?? []
        return Number(parent) === pid && of('environ').includes('PORTSLICE_WATCHDOG=')
      } catch {
        return false
      }
    })
}

/** Whether a watchdog has received its instructions: then it has set its title. */
function isUp(watchdog: number): boolean {
  return readFileSync(`/proc/${watchdog}/cmdline`, 'utf8').startsWith('portslice-watchdog')
}

/** Whether this user may mount a file of its own over /etc/hosts. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

if (!canMount()) console.log('Skipped, as this user may not mount: localhost of one family.')
describe.runIf(canMount())('localhost has addresses of one family', () => {
  test.each([
    ['127.0.0.1', '::1', String.raw`http://\[::1\]:\d+`],
    ['127.0.0.1', '127.0.0.1', String.raw`http://localhost:\d+`],
    ['::1', '127.0.0.1', String.raw`http://127\.0\.0\.1:\d+`],
  ])('%s, and the app listens on %s', async (localhost, host, url) => {
    const project = projects.project({
      hosts: `${localhost} localhost\n`,
      'server.cjs': SERVER.replace('PORT)', `PORT, '${host}')`),
      'main.js': `
        import { startApp } from '@portslice/app-server'
        for (const ready of [undefined, '/', 'http://localhost:{PORT}/', async ({ url }) => (await fetch(url)).ok]) {
          await using app = await startApp({ command: ${JSON.stringify(SERVE)}, ...(ready && { ready }), startTimeout: 10_000 })
          console.log(app.url, await (await fetch(app.url)).text())
        }`,
    })
    const mount = `mount --bind '${project.file('hosts')}' /etc/hosts && exec '${process.execPath}' main.js`
    const { stdout } = await run(['unshare', '-m', 'sh', '-c', mount], {
      cwd: project.folder,
      lockDirectory: project.lockDirectory,
    })
    expect(stdout).toMatch(new RegExp(`^(?:${url} here\n){4}$`))
  })
})

describe.runIf(TEST_ALL)('Turborepo', () => {
  const [, PASSED] = /```json\n([^`]*globalPassThroughEnv[^`]*)```/.exec(DOCS) ?? []

  async function run(turbo: object) {
    return output({
      'package.json': JSON.stringify({
        name: 'shop',
        private: true,
        type: 'module',
        packageManager: 'npm@10.0.0',
        workspaces: ['apps/*'],
      }),
      'package-lock.json': JSON.stringify({ name: 'shop', lockfileVersion: 3, packages: {} }),
      'turbo.json': JSON.stringify({
        ...turbo,
        tasks: { dev: { cache: false, persistent: true } },
      }),
      'apps/web/package.json': '{ "name": "web", "scripts": { "dev": "node server.cjs" } }',
      'apps/web/server.cjs': `
        if (process.env.PORT) require('node:http').createServer((_, answer) => {
          answer.end(Object.keys(process.env).filter((name) => /PORT/.test(name)).join(' '))
        }).listen(process.env.PORT)
        else setInterval(() => {}, 1000)`,
      'main.js': `
        import { startApp } from '@portslice/app-server'
        try {
          await using app = await startApp({
            command: '"${process.execPath}" "${tool('turbo/bin/turbo')}" run dev',
            ports: ['api'],
            startTimeout: 10_000,
          })
          console.log(await (await fetch(app.url)).text())
        } catch (error) {
          console.log(error.message)
        }`,
    })
  }

  test('keeps the port from the app, and the error says so', async () => {
    expect(await run({})).toMatch(
      /The command did not pass \$PORT on: process \d+ \(.*\) runs without it\. .*globalPassThroughEnv/,
    )
  })

  test('passes it on with the settings of docs/app-server.md', async () => {
    const printed = await run(JSON.parse(PASSED as string))
    expect(printed.trim().split(' ')).toEqual(
      expect.arrayContaining(['PORT', 'API_PORT', 'PORTSLICE_TREE']),
    )
  })
})

test.runIf(TEST_ALL)(
  'Astro: two dev servers in one folder, each with a cache of its own',
  async () => {
    const [, config] = /^```js\n(\/\/ astro\.config\.mjs\n[\s\S]*?)^```$/m.exec(DOCS) ?? []
    const printed = await output({
      'astro.config.mjs': config as string,
      'src/pages/index.astro': '<p>The page of an Astro.</p>',
      'main.js': `
      import { startApp } from '@portslice/app-server'
      const options = {
        command: '"${process.execPath}" "${tool('astro/bin/astro.mjs')}" dev --ignore-lock --port {PORT}',
        env: { ASTRO_TELEMETRY_DISABLED: '1' },
        ready: '/',
        startTimeout: 120_000,
      }
      const apps = [await startApp(options), await startApp(options)]
      let answers = 0
      for (let i = 0; i < 60; i++) {
        for (const app of apps) {
          const page = await (await fetch(app.url)).text()
          if (page.includes('The page of an Astro.')) answers++
        }
      }
      console.log('answers: ' + answers)
      for (const app of apps) await app.stop()`,
    })
    expect(printed).toContain('answers: 120\n')
  },
)
