/** @portslice/playwright-fixture on a version of Playwright, on a version of Node. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode } from '../support/process.ts'
import { intervalsIn, type Verdict, verdictOfReported } from './job.ts'
import type { Sandbox } from './sandbox.ts'

const INTERVALS = fileURLToPath(import.meta.resolve('../support/intervals.ts'))

const CONFIG = `
  import { namedPort } from '@portslice/playwright-fixture'
  import { defineConfig } from '@playwright/test'
  const web = await namedPort('web')
  export default defineConfig({
    fullyParallel: true,
    workers: 3,
    reporter: [['line'], ['@portslice/playwright-fixture/reporter']],
    use: { baseURL: 'http://127.0.0.1:' + web, portslice: { onLeak: 'fail' } },
    webServer: { command: JSON.stringify(process.execPath) + ' server.js ' + web, port: web },
  })`

const SERVER = `
  import http from 'node:http'
  http.createServer((_, response) => response.end('web')).listen(Number(process.argv[2]))`

const TESTS = 12
const HAND_OUTS = TESTS * 2
/** Those of the tests' fixtures, which the report shows. */
const PORTS_OF_TESTS = TESTS * 2
const SPEC = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { expect, test } from '@portslice/playwright-fixture'
  import { Recorder } from ${JSON.stringify(INTERVALS)}
  const recorder = new Recorder(process.env.RECORD!)

  async function serveLate(port: number) {
    const recordRelease = recorder.recordTake(port)
    await sleep(30)
    const server = http.createServer((_, response) => response.end('served'))
    await once(server.listen(port), 'listening')
    await once(server.close(), 'close')
    recordRelease()
  }
  for (let i = 1; i <= ${TESTS}; i++) {
    test('test ' + i, async ({ port, takePort, workerPort, portAllocator, request }) => {
      const lease = await portAllocator.take()
      const another = await takePort()
      expect(new Set([workerPort, port, another, lease.port]).size).toBe(4)
      await Promise.all([serveLate(port), serveLate(another)])
      expect(await (await request.get('/')).text()).toBe('web')
      await lease.release()
    })
  }`

export async function playwrightJob(
  sandbox: Sandbox,
  { playwright, node }: { playwright: string; node: string },
): Promise<Verdict> {
  const folder = await sandbox.project(
    '@portslice/playwright-fixture',
    { '@playwright/test': playwright },
    {
      'package.json': '{ "type": "module" }',
      'playwright.config.ts': CONFIG,
      'server.js': SERVER,
      'ports.spec.ts': SPEC,
    },
  )
  const record = path.join(folder, 'intervals.ndjson')
  const outcome = await runNode(
    [path.join(folder, '../node_modules/@playwright/test/cli.js'), 'test'],
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
