/** The projects in `examples/`, each as its README says: copied, installed from the packed packages, and run. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromiumLaunch } from '../support/chromium.ts'
import { PostgresServer } from '../support/database-server.ts'
import {
  fromTarballs,
  type PackedPackage,
  packAll,
  withDependencies,
} from '../support/installed.ts'
import { heldIn, runnersIn } from '../support/lock-directory.ts'
import { type Outcome, run } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const NAMES = readdirSync(EXAMPLES).filter((name) =>
  existsSync(path.join(EXAMPLES, name, 'package.json')),
)

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-examples-'))
// If these tests run as root, the database of one example runs as another user.
chmodSync(folder, 0o755)
// It copies some ten thousand files, which is slow on a busy disk.
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }), 120_000)

let packed: PackedPackage[]
beforeAll(async () => {
  packed = await packAll(folder)
}, 120_000)

interface Manifest {
  version?: string
  scripts: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

function manifestIn(project: string): Manifest {
  return JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as Manifest
}

/**
 * Our packages from their tarballs, and of others the versions that this workspace has, or what the
 * example asks for, if it is not part of the workspace.
 */
function installable(dependencies: Record<string, string>, from: string): Record<string, string> {
  const ours = Object.keys(dependencies).flatMap((name) => withDependencies(packed, name))
  const isInWorkspace = existsSync(path.join(from, 'node_modules'))
  const others = Object.entries(dependencies)
    .filter(([name]) => !packed.some((each) => each.name === name))
    .map(([name, range]) => [
      name,
      isInWorkspace ? manifestIn(path.join(from, 'node_modules', name)).version : range,
    ])
  return { ...fromTarballs(ours), ...Object.fromEntries(others) }
}

/** A copy of an example outside of the repository, as users make it. */
interface Copy {
  folder: string
  lockDirectory: string
  /** Runs one of its scripts. @throws Error with its output if it fails */
  run(script: string, args?: readonly string[], env?: Record<string, string>): Promise<Outcome>
}

async function copyOf(name: string): Promise<Copy> {
  const original = path.join(EXAMPLES, name)
  const copy = path.join(folder, name)
  const lockDirectory = path.join(folder, `${name}-locks`)
  const LEFT_BEHIND = /^(node_modules|\.next|test-results|playwright-report)$/
  cpSync(original, copy, {
    recursive: true,
    filter: (file) => !LEFT_BEHIND.test(path.relative(original, file)),
  })
  const { dependencies = {}, devDependencies = {}, ...manifest } = manifestIn(copy)
  writeFileSync(
    path.join(copy, 'package.json'),
    JSON.stringify({
      ...manifest,
      dependencies: installable(dependencies, original),
      devDependencies: installable(devDependencies, original),
    }),
  )
  await run(['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: copy })
  return {
    folder: copy,
    lockDirectory,
    run: (script, args = [], env = {}) =>
      run(['npm', 'run', '--silent', script, '--', ...args], {
        cwd: copy,
        lockDirectory,
        env: { NO_COLOR: '1', ...env },
      }),
  }
}

test.each(NAMES)('%s says how to run it, in as many commands as it takes', (name) => {
  const readme = readFileSync(path.join(EXAMPLES, name, 'README.md'), 'utf8')
  const [, commands = ''] = /^```text\n([\s\S]*?)^```$/m.exec(readme) ?? []
  const lines = commands.trim().split('\n')
  expect(lines.length).toBeLessThanOrEqual(3)
  expect(lines[0]).toBe('npm install')
  const script = /^npm (?:run )?(\S+)$/.exec(lines.at(-1) as string)?.[1] as string
  expect(Object.keys(manifestIn(path.join(EXAMPLES, name)).scripts)).toContain(script)
})

test('examples/README.md names them all', () => {
  const readme = readFileSync(path.join(EXAMPLES, 'README.md'), 'utf8')
  expect(
    [...readme.matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(([, name]) => name).toSorted(),
  ).toEqual(NAMES.toSorted())
})

test.each(NAMES)('%s names our packages by their version', (name) => {
  const { dependencies, devDependencies } = manifestIn(path.join(EXAMPLES, name))
  const { version } = manifestIn(path.join(EXAMPLES, '../packages/core'))
  const all = Object.entries({ ...dependencies, ...devDependencies })
  const ours = all.filter(([each]) => /^(@portslice\/|portslice$)/.test(each))
  expect(ours.length).toBeGreaterThan(0)
  expect(ours.filter(([, range]) => range !== `^${version}`)).toEqual([])
  expect(all.filter(([, range]) => range.startsWith('workspace:'))).toEqual([])
})

describe('run', () => {
  interface Example {
    name: string
    script: 'test' | 'start'
    args?: (copy: Copy) => string[]
    env?: () => Promise<Record<string, string>>
    says: RegExp
    /** The runners of the slices that were leased. */
    runners: string[]
  }

  const REPORTS_ON_STDERR = ['bun-test', 'jest']

  const threeOf = (runner: string) => [runner, runner, runner]

  const WITHOUT_A_REPORT: Example[] = [
    {
      name: 'jest',
      script: 'test',
      // Jest does not start workers if it knows that the files are quick.
      args: (copy) => [`--cacheDirectory=${path.join(copy.folder, 'cache')}`],
      says: /Tests: +4 passed, 4 total/,
      runners: [...threeOf('jest'), 'node'],
    },
    { name: 'mocha', script: 'test', says: /6 passing/, runners: threeOf('mocha') },
    {
      name: 'node-test',
      script: 'test',
      args: () => ['--test-concurrency=3'],
      says: /pass 6\n/,
      runners: threeOf('node-test'),
    },
    {
      name: 'bun-test',
      script: 'test',
      says: / 4 pass\n +0 fail\n/,
      runners: threeOf('bun'),
    },
    {
      name: 'deno-test',
      script: 'test',
      says: /ok \| 6 passed \| 0 failed/,
      runners: threeOf('deno'),
    },
    { name: 'ava', script: 'test', says: /6 tests passed/, runners: threeOf('ava') },
    {
      name: 'vitest-browser-server',
      script: 'test',
      env: async () => ({ LAUNCH_OPTIONS: JSON.stringify(await chromiumLaunch()) }),
      says: /Tests +2 passed/,
      runners: ['node'],
    },
    {
      name: 'express',
      script: 'test',
      says: /Tests +12 passed/,
      runners: [...threeOf('vitest'), 'vitest'],
    },
    {
      name: 'tsx',
      script: 'start',
      says: /^The shop sells three apples\.\n$/,
      runners: ['node'],
    },
    {
      name: 'cluster',
      script: 'start',
      says: /^worker 1\nworker 2\nworker 3\n$/,
      runners: threeOf('cluster'),
    },
    {
      name: 'worker-threads',
      script: 'start',
      says: /^(thread \d\n){3}$/,
      runners: threeOf('node'),
    },
  ]

  /** One example with a runner and one without; the others are installed and run in the same way. */
  const isTested = (name: string) => TEST_ALL || name === 'tsx'

  test.each(WITHOUT_A_REPORT.filter(({ name }) => isTested(name)))(
    '$name',
    async ({ name, script, args, env, says, runners }) => {
      const copy = await copyOf(name)
      const { stdout, stderr } = await copy.run(script, args?.(copy), await env?.())
      expect(stdout + (REPORTS_ON_STDERR.includes(name) ? stderr : '')).toMatch(says)
      // A runner may give two files to one worker when another is slow to start.
      const found = runnersIn(copy.lockDirectory)
      expect(new Set(found)).toEqual(new Set(runners))
      expect(found.length).toBeLessThanOrEqual(runners.length)
      expect(await heldIn(copy.lockDirectory)).toEqual([])
    },
  )

  interface Report {
    suites: Suite[]
  }
  interface Suite {
    suites?: Suite[]
    specs: { tests: { results: Result[] }[] }[]
  }
  interface Result {
    status: string
    workerIndex: number
    annotations: { type: string; description: string }[]
    errors: { message: string }[]
  }

  const resultsOf = ({ suites = [], specs }: Suite): Result[] => [
    ...specs.flatMap(({ tests }) => tests.flatMap(({ results }) => results)),
    ...suites.flatMap(resultsOf),
  ]

  /** Runs the Playwright tests of an example, with the installed browser. */
  async function playwright(copy: Copy): Promise<Result[]> {
    const report = path.join(copy.folder, 'report.json')
    writeFileSync(
      path.join(copy.folder, 'here.config.js'),
      `import config from './playwright.config.js'
       const launchOptions = ${JSON.stringify(await chromiumLaunch())}
       export default { ...config, use: { ...config.use, launchOptions } }`,
    )
    await copy.run('test', ['--config=here.config.js', '--reporter=json'], {
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
    })
    const results = (JSON.parse(readFileSync(report, 'utf8')) as Report).suites.flatMap(resultsOf)
    expect(results.flatMap(({ errors }) => errors)).toEqual([])
    return results
  }

  /** Asserts that workers had different ports, and each the same ones for all its tests. */
  function expectOwnPorts(results: Result[], workers: number, portsOfEach: number): void {
    const byWorker = Map.groupBy(results, ({ workerIndex }) => workerIndex)
    expect(byWorker.size).toBe(workers)
    const ports = [...byWorker.values()].flatMap((ofWorker) => {
      const told = ofWorker.flatMap(({ annotations }) =>
        annotations.filter(({ type }) => type === 'port').map(({ description }) => description),
      )
      expect(told).toHaveLength(ofWorker.length)
      return [...new Set(told)].flatMap((text) => text.split(' '))
    })
    expect(ports).toHaveLength(workers * portsOfEach)
    expect(new Set(ports).size).toBe(ports.length)
  }

  const WITH_A_REPORT = {
    vite: { tests: 8, workers: 4, portsOfEach: 1 },
    next: { tests: 4, workers: 2, portsOfEach: 1 },
    database: { tests: 8, workers: 4, portsOfEach: 2 },
  }

  const tested = Object.entries(WITH_A_REPORT).filter(([name]) => isTested(name))
  test.each(tested)('%s', async (name, { tests, workers, portsOfEach }) => {
    const copy = await copyOf(name)
    const results = await playwright(copy)
    expect(results).toHaveLength(tests)
    expectOwnPorts(results, workers, portsOfEach)
    expect(await heldIn(copy.lockDirectory)).toEqual([])
  })

  const ON_A_HOST = 'shared-docker-host'
  test.skipIf(!isTested(ON_A_HOST))(
    ON_A_HOST,
    async () => {
      // With a Docker daemon the containers are real, and publish on all addresses of this machine.
      const host = '127.0.0.5'
      await using server = await PostgresServer.start()
      await server.markAsNew()
      const env = { PORTSLICE_HOST: host, PORTSLICE_COORDINATOR: server.url }
      const copy = await copyOf(ON_A_HOST)
      // Two jobs at the same time.
      const jobs = await Promise.all([copy.run('test', [], env), copy.run('test', [], env)])
      for (const { stdout } of jobs) expect(stdout).toMatch(/Tests +2 passed/)
      const { taken, released } = await countEvents(server)
      expect(taken).toBeGreaterThanOrEqual(4)
      expect(released).toBe(taken)
    },
    240_000,
  )

  async function countEvents(server: PostgresServer) {
    const [row] = await server.query(
      `select count(*) filter (where event = 'take')::integer as taken,
        count(*) filter (where event = 'release')::integer as released
      from portslice.history`,
    )
    return row as { taken: number; released: number }
  }

  test('is every one of them', () => {
    const names = WITHOUT_A_REPORT.map(({ name }) => name)
    const run = [...names, ...Object.keys(WITH_A_REPORT), ON_A_HOST]
    expect(run.toSorted()).toEqual(NAMES.toSorted())
  })
})
