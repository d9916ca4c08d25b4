/** Test runners for which there is no adapter: the examples, and runs of many files. See docs/runners.md. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { listSlices } from '@portslice/core'
import { chromiumLaunch } from 'portslice-testing/chromium'
import { compiled } from 'portslice-testing/compiled'
import { overlaps, readIntervals } from 'portslice-testing/intervals'
import { Playground, type Project, type RunOptions, runNode } from 'portslice-testing/project'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url))

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-runners-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

/** The runners that the journals of a lock directory name, one for each slice. */
function runnersIn(lockDirectory: string): string[] {
  return readdirSync(lockDirectory)
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => {
      const [lease] = readFileSync(path.join(lockDirectory, name), 'utf8').split('\n')
      return (JSON.parse(lease as string) as { runner: string }).runner
    })
    .toSorted()
}

/** Who still holds a slice; slices of others have no journal here. */
async function heldIn(lockDirectory: string) {
  const slices = await listSlices({ lockDirectory })
  return slices.filter(({ state, holder }) => state === 'held' && holder !== undefined)
}

const ESM_IN_JEST = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }

describe('the examples', () => {
  interface Example {
    name: string
    /** A file of the example, or of a package that it has. */
    script: string
    args?: string[] | ((temporary: string) => string[])
    env?: () => Promise<Record<string, string>>
    says: RegExp
    /** The runners of the slices that were leased. */
    runners: string[]
  }

  const threeOf = (runner: string) => [runner, runner, runner]

  test.each<Example>([
    {
      name: 'jest',
      script: 'node_modules/jest/bin/jest.js',
      // Where it knows that the files are quick, it starts no workers.
      args: (temporary) => [`--cacheDirectory=${path.join(temporary, 'cache')}`],
      env: async () => ESM_IN_JEST,
      says: /Tests: +4 passed, 4 total/,
      runners: [...threeOf('jest'), 'node'],
    },
    {
      name: 'mocha',
      script: 'node_modules/mocha/bin/mocha.js',
      args: ['--parallel'],
      says: /6 passing/,
      runners: threeOf('mocha'),
    },
    {
      name: 'node-test',
      script: '--test',
      args: ['--test-concurrency=3'],
      says: /pass 6\n/,
      runners: threeOf('node-test'),
    },
    {
      name: 'ava',
      script: 'node_modules/ava/entrypoints/cli.js',
      says: /6 tests passed/,
      runners: threeOf('ava'),
    },
    {
      name: 'vitest-browser-server',
      script: 'node_modules/vitest/vitest.mjs',
      args: ['run'],
      env: async () => ({ LAUNCH_OPTIONS: JSON.stringify(await chromiumLaunch()) }),
      says: /Tests +2 passed/,
      runners: ['node'],
    },
    {
      name: 'tsx',
      script: 'node_modules/tsx/dist/cli.mjs',
      args: ['script.ts'],
      says: /^The shop sells three apples\.\n$/,
      runners: ['node'],
    },
    {
      name: 'cluster',
      script: 'cluster.js',
      says: /^worker 1\nworker 2\nworker 3\n$/,
      runners: threeOf('cluster'),
    },
    {
      name: 'worker-threads',
      script: 'threads.js',
      says: /^(thread \d\n){3}$/,
      runners: threeOf('node'),
    },
  ])('$name', async ({ name, script, args = [], env, says, runners }) => {
    const temporary = temporaryFolder()
    const lockDirectory = path.join(temporary, 'locks')
    const all = typeof args === 'function' ? args(temporary) : args
    const { status, stdout, stderr } = await runNode([script, ...all], {
      cwd: path.join(EXAMPLES, name),
      lockDirectory,
      env: { NO_COLOR: '1', ...(await env?.()) },
    })
    expect(status, stdout + stderr).toBe(0)
    expect(stdout + (name === 'jest' ? stderr : '')).toMatch(says)
    // A runner may give two files to one worker when another is slow to start.
    const found = runnersIn(lockDirectory)
    expect(new Set(found)).toEqual(new Set(runners))
    expect(found.length).toBeLessThanOrEqual(runners.length)
    expect(await heldIn(lockDirectory)).toEqual([])
  })
})

const modulesOf = (example: string) => path.join(EXAMPLES, example, 'node_modules')

describe('runs of many files', () => {
  const playground = new Playground(['jest', 'mocha', 'ava'].map(modulesOf))
  afterAll(() => playground[Symbol.dispose]())

  const SERVING = fileURLToPath(new URL('processes/serving.ts', import.meta.url))

  async function projectWith(
    count: number,
    fileName: (i: number) => string,
    text: string,
    files: Record<string, string> = {},
  ): Promise<Project> {
    return playground.project({
      'serving.mjs': await compiled(SERVING, 'esm'),
      ...files,
      ...Object.fromEntries(Array.from({ length: count }, (_, i) => [fileName(i), text])),
    })
  }

  /** Runs it twice at the same time, and asserts that every port was one holder's at a time. */
  async function expectUnique(
    project: Project,
    [packageName, script, ...args]: [string | undefined, string, ...string[]],
    { handOuts, runs = 2, env }: { handOuts: number; runs?: number } & RunOptions,
  ): Promise<void> {
    const record = project.file('intervals.ndjson')
    const outcomes = await Promise.all(
      Array.from({ length: runs }, () =>
        project.run(packageName, script, args, { env: { RECORD: record, NO_COLOR: '1', ...env } }),
      ),
    )
    for (const { status, stdout, stderr } of outcomes) expect(status, stdout + stderr).toBe(0)
    const intervals = readIntervals(record)
    expect(intervals).toHaveLength(runs * handOuts)
    expect(intervals.filter(({ to }) => to === undefined)).toEqual([])
    expect(overlaps(intervals)).toEqual([])
    expect(await heldIn(project.lockDirectory)).toEqual([])
  }

  const TWO_TESTS = (runner: string) => `
    ${runner}
    import { serve } from './serving.mjs'
    test('one', async () => { await Promise.all([serve(), serve()]) })
    test('other', () => serve())`

  test('Mocha, parallel', async () => {
    const project = await projectWith(12, (i) => `${i}.test.js`, TWO_TESTS('const test = it'))
    await expectUnique(
      project,
      ['mocha', 'bin/mocha.js', '--parallel', '--jobs=3', '--timeout=60000', '*.test.js'],
      { handOuts: 12 * 3 },
    )
    expect(new Set(runnersIn(project.lockDirectory))).toEqual(new Set(['mocha']))
  })

  test('node:test, a process for each file', async () => {
    const project = await projectWith(
      8,
      (i) => `${i}.test.mjs`,
      TWO_TESTS(`import { test } from 'node:test'`),
    )
    const record = project.file('intervals.ndjson')
    const { status, stdout, stderr } = await runNode(['--test', '--test-concurrency=3'], {
      cwd: project.folder,
      lockDirectory: project.lockDirectory,
      env: { RECORD: record },
    })
    expect(status, stdout + stderr).toBe(0)
    const intervals = readIntervals(record)
    expect(intervals).toHaveLength(8 * 3)
    expect(overlaps(intervals)).toEqual([])
    expect(new Set(runnersIn(project.lockDirectory))).toEqual(new Set(['node-test']))
  })

  test.each(['threads', 'processes'])('AVA, in %s', async (where) => {
    const project = await projectWith(
      12,
      (i) => `tests/${i}.js`,
      `import test from 'ava'
       import { serve } from '../serving.mjs'
       test('one', async (t) => { await Promise.all([serve(), serve()]); t.pass() })
       test('at the same time', async (t) => { await serve(); t.pass() })`,
      {
        'ava.config.js': `export default {
          files: ['tests/*.js'], concurrency: 3, workerThreads: ${where === 'threads'} }`,
      },
    )
    await expectUnique(project, ['ava', 'entrypoints/cli.js'], { handOuts: 12 * 3 })
    expect(new Set(runnersIn(project.lockDirectory))).toEqual(new Set(['ava']))
  })

  test('Jest: a module registry for each file, in ESM', async () => {
    const project = await projectWith(12, (i) => `${i}.test.js`, TWO_TESTS(''), {
      'jest.config.js': 'export default { transform: {}, maxWorkers: 3, testTimeout: 60_000 }',
    })
    await expectUnique(project, ['jest', 'bin/jest.js'], { handOuts: 12 * 3, env: ESM_IN_JEST })
    expect(new Set(runnersIn(project.lockDirectory))).toEqual(new Set(['jest']))
  })

  test('Jest: 500 files with a module registry each lose no slice', async () => {
    const files = 500
    // CommonJS with core in it, as a transform makes it: Jest takes minutes for so many of ESM.
    const project = await projectWith(
      files,
      (i) => `${i}.test.cjs`,
      `const { serve } = require('./serving.cjs')
       test('serves', () => serve())`,
      {
        'serving.cjs': await compiled(SERVING, 'cjs', []),
        'jest.config.js': `export default {
          transform: {}, maxWorkers: 2, testTimeout: 60_000, testMatch: ['**/*.test.cjs'] }`,
      },
    )
    await expectUnique(project, ['jest', 'bin/jest.js', '--silent'], { handOuts: files, runs: 1 })
    // One allocator in each of the two workers, not one in each file.
    expect(runnersIn(project.lockDirectory)).toEqual(['jest', 'jest'])
  })
})
