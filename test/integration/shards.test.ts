/** Shards of two runners at once on one machine; they do not see each other's locks. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { overlaps, readIntervals } from '../support/intervals.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const INTERVALS = fileURLToPath(import.meta.resolve('../support/intervals.ts'))
const SHARDS = [1, 2, 3, 4]
const FILES = 8

const SERVE = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { Recorder } from ${JSON.stringify(INTERVALS)}
  const recorder = new Recorder('intervals.ndjson')
  /** The first time, binds the port once all shards have one out; later, after a delay. */
  export async function serveLate(port: number) {
    const recordRelease = recorder.recordTake(port)
    mkdirSync('met', { recursive: true })
    writeFileSync('met/' + process.env.RUN, '')
    while (readdirSync('met').length < 8) await sleep(10)
    await sleep(15)
    const server = http.createServer().listen(port)
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    recordRelease()
  }`
const TESTS = `
  import { serveLate } from './serve.ts'
  test('one', async ({ port, takePort }) => {
    await Promise.all([serveLate(port), serveLate(await takePort())])
  })`

test.runIf(TEST_ALL)(
  'four shards of vitest and four of Playwright, with four lock directories: no port is out twice',
  async () => {
    using projects = new FixtureProjects()
    const project = projects.project({
      'serve.ts': SERVE,
      'vitest.config.js': `
      import portslice from '@portslice/vitest-plugin'
      export default { plugins: [portslice()], test: { maxWorkers: 1, testTimeout: 120_000 } }`,
      'playwright.config.js': `export default { workers: 1, testMatch: '*.spec.ts', timeout: 120_000 }`,
      ...Object.fromEntries(
        Array.from({ length: FILES }, (_, i) => [
          [`${i}.test.ts`, `import { test } from '@portslice/vitest-plugin/test'\n${TESTS}`],
          [`${i}.spec.ts`, `import { test } from '@portslice/playwright-fixture'\n${TESTS}`],
        ]).flat(),
      ),
    })
    const env = (run: string, shard: number) => ({
      RUN: `${run}-${shard}`,
      PORTSLICE_LOCK_DIR: project.file(`locks-${shard}`),
    })
    const outcomes = await Promise.all(
      SHARDS.flatMap((shard) => [
        project.vitest([`--shard=${shard}/4`, '--dir=.', '--exclude=**/*.spec.ts'], {
          env: env('vitest', shard),
        }),
        project.playwright([`--shard=${shard}/4`, '--reporter=line', `--output=results-${shard}`], {
          env: env('playwright', shard),
        }),
      ]),
    )
    for (const { status, stdout, stderr } of outcomes) expect(status, stdout + stderr).toBe(0)
    const intervals = readIntervals(project.file('intervals.ndjson'))
    expect(intervals).toHaveLength(2 * FILES * 2)
    expect(intervals.filter(({ to }) => to === undefined)).toEqual([])
    expect(overlaps(intervals)).toEqual([])
  },
)
