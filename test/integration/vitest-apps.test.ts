/** Apps of vitest's workers and test files, on the real runner. */
import { readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { isRunning } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { firstOf } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const SERVER = `
  import { appendFileSync } from 'node:fs'
  import { createServer } from 'node:http'
  appendFileSync('started', process.pid + '\\n')
  createServer((_, response) => response.end(JSON.stringify({ pid: process.pid, env: process.env })))
    .listen(process.env.PORT)
`
const COMMAND = JSON.stringify([process.execPath, 'server.js'])

function filesOf(count: number, text: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`file-${i}.test.js`, text]))
}

async function run(project: FixtureProject, args: string[]) {
  const { status, stdout, stderr } = await project.vitest(args)
  expect(status, stdout + stderr).toBe(0)
  const pids = readFileSync(project.file('started'), 'utf8').trim().split('\n').map(Number)
  expect(pids.filter(isRunning), 'none is left').toEqual([])
  return pids
}

/** One module for all files: each `extend` makes a fixture of its own. */
const fixtures = (scope: string) => `
  import { test as base } from 'vitest'
  import { appFixture } from '@portslice/vitest-plugin/test'
  export const test = base.extend({ app: appFixture({ command: ${COMMAND}, ready: '/' }, ${scope}) })`

const TESTS = `
  import { expect } from 'vitest'
  import { test } from './fixtures.js'
  let pid
  test('answers', async ({ app }) => {
    const answer = await (await fetch(app.url)).json()
    expect(answer.env.PORT).toBe(String(app.port))
    pid = answer.pid
  })
  test('is the same', async ({ app }) => expect((await (await fetch(app.url)).json()).pid).toBe(pid))
`

test.each([
  ['of a worker', '{}', 1],
  ['of a file', '{ scope: "file" }', 3],
])('an app %s', async (_, scope, starts) => {
  const project = projects.project({
    'vitest.config.js': `
      import portslice from '@portslice/vitest-plugin'
      export default { plugins: [portslice()] }`,
    'server.js': SERVER,
    'fixtures.js': fixtures(scope),
    ...filesOf(3, TESTS),
  })
  const args = ['--pool=forks', '--no-isolate', '--maxWorkers=1', '--testTimeout=60000']
  expect(await run(project, args)).toHaveLength(starts)
})

test.each(firstOf(['forks', 'threads', 'vmThreads']))(
  'several apps in files side by side: %s',
  async (pool) => {
    const project = projects.project({
      'server.js': SERVER,
      ...filesOf(
        2,
        `
      import { expect } from 'vitest'
      import { appsFixture, test as base } from '@portslice/vitest-plugin/test'
      const test = base.extend({ apps: appsFixture({ api: { command: ${COMMAND} }, web: { command: ${COMMAND} } }) })
      test('know each other', async ({ apps, port }) => {
        const [api, web] = await Promise.all(
          [apps.api, apps.web].map(async ({ url }) => (await (await fetch(url)).json()).env),
        )
        expect(new Set([port, apps.api.port, apps.web.port]).size).toBe(3)
        expect([api.WEB_PORT, api.PORT]).toEqual([web.PORT, web.API_PORT])
      })`,
      ),
    })
    const pids = await run(project, [`--pool=${pool}`, '--maxWorkers=2', '--testTimeout=60000'])
    expect(pids).toHaveLength(4)
  },
)
