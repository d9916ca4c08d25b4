/** Test runners without an adapter, on many files at once. See docs/runners.md. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { compileScript } from '../support/compile-script.ts'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { heldIn, runnersIn } from '../support/lock-directory.ts'
import { runNode } from '../support/process.ts'
import { type FixtureProject, FixtureProjects, type RunOptions } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))

const ESM_IN_JEST = { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }

const modulesOf = (example: string) => path.join(EXAMPLES, example, 'node_modules')

describe('runs of many files', () => {
  const projects = new FixtureProjects(['jest', 'mocha', 'ava'].map(modulesOf))
  afterAll(() => projects[Symbol.dispose]())

  const SERVE_LATE = fileURLToPath(new URL('processes/serve-late.ts', import.meta.url))

  async function projectWith(
    count: number,
    fileName: (i: number) => string,
    text: string,
    files: Record<string, string> = {},
  ): Promise<FixtureProject> {
    return projects.project({
      'serve-late.mjs': await compileScript(SERVE_LATE, 'esm'),
      ...files,
      ...Object.fromEntries(Array.from({ length: count }, (_, i) => [fileName(i), text])),
    })
  }

  /** Runs it twice at the same time, and asserts that no port had two holders at a time. */
  async function expectUnique(
    project: FixtureProject,
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
    import { serve } from './serve-late.mjs'
    test('one', async () => { await Promise.all([serve(), serve()]) })
    test('other', () => serve())`

  test.runIf(TEST_ALL)('Mocha, parallel', async () => {
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

  test.runIf(TEST_ALL).each(['threads', 'processes'])('AVA, in %s', async (where) => {
    const project = await projectWith(
      12,
      (i) => `tests/${i}.js`,
      `import test from 'ava'
       import { serve } from '../serve-late.mjs'
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

  test.runIf(TEST_ALL)('Jest: many files with a module registry each lose no slice', async () => {
    const files = 500
    // CommonJS bundles that contain core, as a transform makes them: ESM takes Jest minutes for this many files.
    const project = await projectWith(
      files,
      (i) => `${i}.test.cjs`,
      `const { serve } = require('./serve-late.cjs')
       test('serves', () => serve())`,
      {
        'serve-late.cjs': await compileScript(SERVE_LATE, 'cjs', []),
        'jest.config.js': `export default {
          transform: {}, maxWorkers: 2, testTimeout: 60_000, testMatch: ['**/*.test.cjs'] }`,
      },
    )
    await expectUnique(project, ['jest', 'bin/jest.js', '--silent'], { handOuts: files, runs: 1 })
    // One allocator in each of the two workers, not one in each file.
    expect(runnersIn(project.lockDirectory)).toEqual(['jest', 'jest'])
  })
})
