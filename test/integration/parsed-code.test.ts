/** How much code V8 parses before the first port, which is most of what a library costs a fresh process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type ParsedScript, parsedLength, parsedScripts } from '../support/parsed-code.ts'
import { type Outcome, runNode } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'

/** Limits, in characters. Raise them only for code that each first port needs. */
const MAX_FOR_FIRST_PORT = { esm: 120_000, cjs: 136_000 }
/** Limits for a worker that takes no port, and so loads only the fixtures. */
const MAX_FOR_FIXTURES = { vitest: 18_000, playwright: 10_000 }
const MAX_FOR_FIXTURE_PORT = { vitest: 143_000, playwright: 135_000 }

const fixtures = new FixtureProjects()
const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-parsed-code-'))
afterAll(() => {
  fixtures[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

const CORE = /@portslice\/core\//

async function parsedBy(program: string, extension: 'mjs' | 'cjs'): Promise<ParsedScript[]> {
  const file = path.join(fixtures.folder, `program.${extension}`)
  writeFileSync(file, program)
  const processes = await parsedScripts(async (env) => {
    const { status, stderr } = await runNode([file], {
      env,
      lockDirectory: path.join(folder, 'locks'),
    })
    expect(status, stderr).toBe(0)
  })
  return processes.flat()
}

test('the first port of an ES module', async () => {
  const program = `
    import { releasePort, takePort } from '@portslice/core'
    await releasePort(await takePort())`
  const length = parsedLength(await parsedBy(program, 'mjs'), CORE)
  expect(length).toBeGreaterThan(50_000)
  expect(length).toBeLessThan(MAX_FOR_FIRST_PORT.esm)
})

test('the first port of a CommonJS module', async () => {
  const program = `
    const { releasePort, takePort } = require('@portslice/core')
    takePort().then(releasePort)`
  const length = parsedLength(await parsedBy(program, 'cjs'), CORE)
  expect(length).toBeGreaterThan(50_000)
  expect(length).toBeLessThan(MAX_FOR_FIRST_PORT.cjs)
})

test.each(['mjs', 'cjs'] as const)('the rest is loaded when it is used: %s', async (extension) => {
  const load =
    extension === 'mjs'
      ? "import { claimPort, listSlices, takePort } from '@portslice/core'"
      : "const { claimPort, listSlices, takePort } = require('@portslice/core')"
  const use = (calls: string) =>
    parsedBy(`${load}\nconst main = async () => { ${calls} }\nmain()`, extension)
  const first = await use('await takePort()')
  const all = await use(
    'await takePort(); await listSlices(); await (await claimPort(9)).release()',
  )
  expect(parsedLength(all, CORE)).toBeGreaterThan(parsedLength(first, CORE) + 20_000)
})

test('without file descriptors, what cannot be loaded says so, and is loaded later', async () => {
  const { status, stdout, stderr } = await runNode(
    [
      '--input-type=module',
      '--eval',
      `import { closeSync, openSync, writeSync } from 'node:fs'
      import { listSlices, PortsliceError, takePort } from '@portslice/core'
      await takePort()
      const files = []
      try { for (;;) files.push(openSync('/dev/null')) } catch {}
      const error = await listSlices().catch((error) => error)
      for (const file of files) closeSync(file)
      const slices = await listSlices()
      const { code } = error
      console.log(JSON.stringify([code, error instanceof PortsliceError, slices.length > 0]))`,
    ],
    {
      cwd: fixtures.folder,
      lockDirectory: path.join(folder, 'without-descriptors'),
      by: ['sh', '-c', 'ulimit -n 100 && exec "$@"', 'sh'],
    },
  )
  expect(status, stderr).toBe(0)
  expect(JSON.parse(stdout)).toEqual(['ERR_PORTSLICE_NO_SOCKET', true, true])
})

interface Worker {
  run: (test: string, env: NodeJS.ProcessEnv) => Promise<Outcome>
  /** Which of its scripts are the fixtures of a worker; the main process has the plugin or its reporter. */
  fixtures: RegExp
}

const WORKERS: Record<'vitest' | 'playwright', Worker> = {
  vitest: {
    run: (test, env) =>
      fixtures
        .project({
          'vitest.config.js': `
            import portslice from '@portslice/vitest-plugin'
            export default { plugins: [portslice()] }`,
          'one.test.js': `import { test } from '@portslice/vitest-plugin/test'\ntest('one', ${test})`,
        })
        .vitest([], { env }),
    fixtures: /vitest-plugin\/dist\/test/,
  },
  playwright: {
    run: (test, env) =>
      fixtures
        .project({
          'playwright.config.js': "export default { reporter: 'line' }",
          'one.spec.js': `import { test } from '@portslice/playwright-fixture'\ntest('one', ${test})`,
        })
        .playwright([], { env }),
    fixtures: /playwright-fixture\/dist\/index/,
  },
}

describe.each(['vitest', 'playwright'] as const)('a %s worker', (runner) => {
  async function parsedByWorkers(test: string): Promise<ParsedScript[][]> {
    const { run, fixtures } = WORKERS[runner]
    const processes = await parsedScripts(async (env) => {
      const { status, stdout, stderr } = await run(test, env)
      expect(status, stdout + stderr).toBe(0)
    })
    return processes.filter((scripts) => parsedLength(scripts, fixtures) > 0)
  }

  test('that takes no port parses the fixtures alone', async () => {
    const workers = await parsedByWorkers('async ({}) => {}')
    expect(workers.length).toBeGreaterThan(0)
    expect(parsedLength(workers.flat(), CORE)).toBe(0)
    const lengths = workers.map((scripts) => parsedLength(scripts, /@portslice\//))
    expect(Math.max(...lengths)).toBeLessThan(MAX_FOR_FIXTURES[runner])
  })

  test('that takes a port parses what its first port needs', async () => {
    const workers = await parsedByWorkers('async ({ port }) => { if (!port) throw port }')
    const lengths = workers.map((scripts) => parsedLength(scripts, /@portslice\//))
    expect(Math.max(...lengths)).toBeGreaterThan(MAX_FOR_FIXTURES[runner])
    expect(Math.max(...lengths)).toBeLessThan(MAX_FOR_FIXTURE_PORT[runner])
  })
})
