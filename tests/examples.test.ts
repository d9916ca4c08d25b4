/** The projects in `examples/`: four workers each, with an app of its own for each of them. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromiumLaunch } from 'portslice-testing/chromium'
import { runNode } from 'portslice-testing/project'
import { expect, onTestFinished, test } from 'vitest'

const EXAMPLES = fileURLToPath(new URL('../examples', import.meta.url))

/** For one run, in ms: less than a test may take, so that a run that hangs is reported as such. */
const RUN_TIMEOUT = 200_000

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-examples-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

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

/** Runs the Playwright tests of an example as they are, with the browser that there is here. */
async function playwright(name: string): Promise<Result[]> {
  const folder = path.join(EXAMPLES, name)
  const temporary = temporaryFolder()
  const own = path.join(temporary, 'playwright.config.mjs')
  const report = path.join(temporary, 'report.json')
  writeFileSync(
    own,
    `import config from ${JSON.stringify(path.join(folder, 'playwright.config.js'))}
     export default {
       ...config,
       testDir: ${JSON.stringify(path.join(folder, 'tests'))},
       outputDir: ${JSON.stringify(path.join(temporary, 'results'))},
       use: { ...config.use, launchOptions: ${JSON.stringify(await chromiumLaunch())} },
     }`,
  )
  const cli = path.join(folder, 'node_modules', '@playwright', 'test', 'cli.js')
  const outcome = await runNode([cli, 'test', `--config=${own}`, '--reporter=json'], {
    cwd: folder,
    timeout: RUN_TIMEOUT,
    lockDirectory: path.join(temporary, 'locks'),
    env: { PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  })
  expect(existsSync(report), outcome.stdout + outcome.stderr).toBe(true)
  const results = (JSON.parse(readFileSync(report, 'utf8')) as Report).suites.flatMap(resultsOf)
  expect(results.flatMap(({ errors }) => errors)).toEqual([])
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0)
  return results
}

/** Asserts that each of the four workers had ports of its own, and the same ones for all its tests. */
function expectOwnPorts(results: Result[], portsOfEach: number): void {
  const byWorker = Map.groupBy(results, ({ workerIndex }) => workerIndex)
  expect(byWorker.size).toBe(4)
  const ports = [...byWorker.values()].flatMap((ofWorker) => {
    const told = ofWorker.flatMap(({ annotations }) =>
      annotations.filter(({ type }) => type === 'port').map(({ description }) => description),
    )
    expect(told).toHaveLength(ofWorker.length)
    return [...new Set(told)].flatMap((text) => text.split(' '))
  })
  expect(ports).toHaveLength(4 * portsOfEach)
  expect(new Set(ports).size).toBe(ports.length)
}

test('vite: a dev server for each worker', async () => {
  const results = await playwright('vite')
  expect(results).toHaveLength(8)
  expectOwnPorts(results, 1)
})

test('database: a PostgreSQL and a web server for each worker', async () => {
  const results = await playwright('database')
  expect(results).toHaveLength(8)
  expectOwnPorts(results, 2)
})

test('express: an API for each worker of vitest', async () => {
  const folder = path.join(EXAMPLES, 'express')
  const temporary = temporaryFolder()
  mkdirSync(temporary, { recursive: true })
  const { status, stdout, stderr } = await runNode(
    [path.join(folder, 'node_modules', 'vitest', 'vitest.mjs'), 'run'],
    { cwd: folder, timeout: RUN_TIMEOUT, lockDirectory: path.join(temporary, 'locks') },
  )
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests .*12 passed/)
})
