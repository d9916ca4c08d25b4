/** Ports in `playwright.config.ts`, and wrong settings. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { overlaps } from '../support/intervals.ts'
import {
  APP,
  config,
  expectAllPassed,
  factsOf,
  intervalsOf,
  playwright,
  TEST_TIMEOUT,
} from '../support/playwright-run.ts'
import { FixtureProjects } from '../support/project.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

test('namedPort gives the config one number in all processes of a run, and each run its own', {
  timeout: TEST_TIMEOUT,
}, async () => {
  const project = projects.project({
    'app.ts': APP,
    'server.js': `
      import { createServer } from 'node:http'
      const port = Number(process.argv[2])
      createServer((_, response) => response.end('the web server on ' + port)).listen(port)
    `,
    'playwright.config.ts': `
      import { appendFileSync } from 'node:fs'
      import { defineConfig } from '@playwright/test'
      import { namedPort } from '@portslice/playwright-fixture'

      const web = await namedPort('web')
      const worker = process.env.TEST_WORKER_INDEX ?? 'main'
      appendFileSync(process.env.EVALUATIONS, JSON.stringify({ worker, web }) + '\\n')
      const baseURL = 'http://127.0.0.1:' + web

      export default defineConfig({
        timeout: 60_000,
        fullyParallel: true,
        workers: 2,
        webServer: {
          command: JSON.stringify(process.execPath) + ' server.js ' + web,
          url: baseURL,
          reuseExistingServer: false,
        },
        use: { baseURL },
      })
    `,
    'web.spec.ts': `
      import { expect, namedPort, test } from '@portslice/playwright-fixture'
      import { waitForWorkers, serve, reportFacts } from './app.ts'

      for (const name of ['one', 'two', 'three']) {
        test(name, async ({ port, request }, testInfo) => {
          await using app = await serve(port, waitForWorkers('first tests of both runs', 4))
          const web = await namedPort('web')
          const response = await request.get('/')
          reportFacts(testInfo, { web, answer: await response.text() })
        })
      }
    `,
  })
  const evaluations = ['evaluations-1.ndjson', 'evaluations-2.ndjson'].map((name) =>
    project.file(name),
  )

  const both = await Promise.all(
    evaluations.map((EVALUATIONS) => playwright(project, [], { env: { EVALUATIONS } })),
  )

  const webOfRuns = both.map((run, i) => {
    expectAllPassed(run, 3)
    const evaluated = readFileSync(evaluations[i] as string, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { worker: string; web: number })
    const processes = new Set(evaluated.map(({ worker }) => worker))
    expect([...processes].sort()).toEqual(['0', '1', 'main'])
    const [web] = evaluated.map(({ web }) => web)
    expect(new Set(evaluated.map(({ web }) => web))).toEqual(new Set([web]))
    for (const { results } of run.tests) {
      expect(factsOf(results[0])).toEqual({ web, answer: `the web server on ${web}` })
    }
    return web
  })
  expect(webOfRuns[0]).not.toBe(webOfRuns[1])
  const intervals = intervalsOf(project)
  expect(overlaps(intervals)).toEqual([])
  for (const web of webOfRuns) expect(intervals.map(({ port }) => port)).not.toContain(web)
})

const TAKES_A_PORT = `
  import { test } from '@portslice/playwright-fixture'
  test('takes a port', ({ port }) => {})
`

describe('the run ends with an error message', () => {
  test.runIf(TEST_ALL)('options in the config', { timeout: TEST_TIMEOUT }, async () => {
    const wrong = {
      range: {
        use: '{ range: [20000, 20010] }',
        message: /The option `range` is \[20000,20010\]: it contains no complete slice of 32 ports/,
      },
      name: {
        use: '{ rnage: [20000, 29999] }',
        message:
          /There is no option `rnage`; it is set to \[20000,29999\]\.\s+Did you mean 'range'\? The options are range, /,
      },
      onLeak: {
        use: "{ onLeak: 'explode' }",
        message: /The option `onLeak` is "explode"\.\s+Give one of 'warn', 'fail', 'ignore'/,
      },
      order: {
        use: "{ order: 'backwards' }",
        message: /The option `order` is "backwards"\.\s+Give one of 'sequential', 'random'/,
      },
      number: { use: '20000', message: /The options are 20000\./ },
      nothing: { use: 'null', message: /The options are null\./ },
      shard: {
        use: '{ shard: { index: 3, total: 2 } }',
        message: /The option `shard` is \{"index":3,"total":2\}, which is not a shard/,
      },
    }
    const settings = firstOf(Object.entries(wrong)).map(
      ([name, { use }]) => `{ name: '${name}', use: { portslice: ${use} } }`,
    )
    const project = projects.project({
      'playwright.config.ts': config(`projects: [${settings}]`),
      'ports.spec.ts': TAKES_A_PORT,
    })

    const run = await playwright(project)

    expect(run.status).toBe(1)
    expect(run.tests).toHaveLength(settings.length)
    for (const { project, status, results } of run.tests) {
      expect(status).toBe('unexpected')
      expect(results[0].errors[0]?.message).toMatch('PortsliceError')
      expect(results[0].errors[0]?.message).toMatch(wrong[project as keyof typeof wrong].message)
    }
  })

  test.for(
    firstOf([
      { variable: 'PORTSLICE_RANGE', value: 'abc', message: '$PORTSLICE_RANGE is "abc"' },
      { variable: 'PORTSLICE_SHARD', value: '5/4', message: '$PORTSLICE_SHARD is "5/4"' },
      { variable: 'PORTSLICE_LOCK_DIR', value: 'a file', message: 'is not a directory' },
    ]),
  )('$variable', { timeout: TEST_TIMEOUT }, async ({ variable, value, message }) => {
    const project = projects.project({
      'a file': 'where a directory should be',
      'playwright.config.ts': config(''),
      'ports.spec.ts': TAKES_A_PORT,
    })

    const run = await playwright(project, [], { env: { [variable]: value } })

    expect(run.status).toBe(1)
    expect(run.tests).toHaveLength(1)
    for (const { status, results } of run.tests) {
      expect(status).toBe('unexpected')
      expect(results[0].errors[0]?.message).toMatch('PortsliceError')
      expect(results[0].errors[0]?.message).toMatch(message)
    }
  })

  test.runIf(TEST_ALL)(
    'a variable that a port in the config depends on',
    { timeout: TEST_TIMEOUT },
    async () => {
      const project = projects.project({
        'playwright.config.ts': `
        import { namedPort } from '@portslice/playwright-fixture'
        const web = await namedPort('web')
        export default { use: { baseURL: 'http://127.0.0.1:' + web } }
      `,
        'ports.spec.ts': TAKES_A_PORT,
      })

      const run = await playwright(project, [], { env: { PORTSLICE_PORT_WEB: 'abc' } })

      expect(run.status).toBe(1)
      expect(run.tests).toEqual([])
      expect(run.stdout + run.stderr).toMatch('$PORTSLICE_PORT_WEB is "abc", which is not a port')
    },
  )
})

test.runIf(TEST_ALL)(
  "a named port comes from the part of the range that belongs to Playwright's own --shard",
  {
    timeout: TEST_TIMEOUT,
  },
  async () => {
    const project = projects.project({
      'playwright.config.ts': `
      import { appendFileSync } from 'node:fs'
      import { namedPort } from '@portslice/playwright-fixture'
      const web = await namedPort('web', { range: [20000, 29999] })
      appendFileSync('named', web + '\\n')
      export default { use: { baseURL: 'http://127.0.0.1:' + web } }
    `,
      'one.spec.ts': TAKES_A_PORT,
      'two.spec.ts': TAKES_A_PORT,
    })

    for (const shard of ['1/2', '2/2']) {
      const run = await playwright(project, [`--shard=${shard}`])
      expect(run.status, run.stdout + run.stderr).toBe(0)
    }

    const ports = readFileSync(project.file('named'), 'utf8').trim().split('\n').map(Number)
    const [first, second] = [...new Set(ports)]
    expect(new Set(ports).size).toBe(2)
    expect(first).toBeLessThan(24_992)
    expect(second).toBeGreaterThanOrEqual(24_992)
  },
)
