/** @portslice/vitest-plugin on a version of vitest, in a pool, on a version of Node. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode } from '../support/process.ts'
import { intervalsIn, type Verdict, verdictOfReported } from './job.ts'
import type { Sandbox } from './sandbox.ts'
import { BESIDE, type Pool, type VITESTS } from './versions.ts'

const INTERVALS = fileURLToPath(import.meta.resolve('../support/intervals.ts'))

/**
 * vitest 3.2 ends with "Terminating worker thread" where the least number of workers is not the
 * most and isolation is off, also with tests that use nothing of ours. Later ones ignore it.
 */
const CONFIG = `
  import portslice from '@portslice/vitest-plugin'
  export default {
    plugins: [portslice()],
    test: {
      minWorkers: 3,
      maxWorkers: 3,
      reporters: ['default', '@portslice/vitest-plugin/reporter'],
    },
  }`

const TESTS = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { expect } from 'vitest'
  import { test } from '@portslice/vitest-plugin/test'
  import { Recorder } from ${JSON.stringify(INTERVALS)}
  const recorder = new Recorder(process.env.RECORD)

  async function serveLate(port) {
    const recordRelease = recorder.recordTake(port)
    await sleep(15)
    const server = http.createServer((_, response) => response.end('served'))
    await once(server.listen(port), 'listening')
    await once(server.close(), 'close')
    recordRelease()
  }
  test('serves', async ({ port }) => serveLate(port))
  test.concurrent('one of two', async ({ port, takePort }) => {
    await Promise.all([serveLate(port), serveLate(await takePort({ label: 'second' }))])
  })
  test.concurrent('two of two', async ({ takePort, port }) => {
    await Promise.all([serveLate(port), serveLate(await takePort())])
  })
  test('has a port of its worker', async ({ workerPort, port, portAllocator }) => {
    const lease = await portAllocator.take()
    expect(new Set([workerPort, port, lease.port]).size).toBe(3)
    await lease.release()
  })`
const FILES = 9
const HAND_OUTS = FILES * 5
/** Those of the tests' fixtures, which the report shows. */
const PORTS_OF_TESTS = FILES * 6

export async function vitestJob(
  sandbox: Sandbox,
  { vitest, node, pool }: { vitest: (typeof VITESTS)[number]; node: string; pool: Pool },
): Promise<Verdict> {
  const folder = await sandbox.project(
    '@portslice/vitest-plugin',
    { vitest, ...BESIDE[vitest] },
    {
      'vitest.config.js': CONFIG,
      'package.json': '{ "type": "module" }',
      ...Object.fromEntries(Array.from({ length: FILES }, (_, i) => [`${i}.test.js`, TESTS])),
    },
  )
  const record = path.join(folder, 'intervals.ndjson')
  const outcome = await runNode(
    [
      path.join(folder, '../node_modules/vitest/vitest.mjs'),
      'run',
      `--pool=${pool.pool}`,
      `--isolate=${pool.isolate}`,
    ],
    {
      cwd: folder,
      node: await sandbox.node(node),
      lockDirectory: path.join(folder, 'locks'),
      env: { RECORD: record, NO_COLOR: '1' },
    },
  )
  return verdictOfReported(folder, outcome, intervalsIn(record), {
    ports: PORTS_OF_TESTS,
    bound: HAND_OUTS,
  })
}
