import { describe, expect, test } from 'vitest'
import { listFindings, migrate, text } from './migrate.test-support.js'

const VITEST = { file: 'src/a.test.ts', dependencies: ['vitest'] }
const JEST = { file: 'src/a.test.js', dependencies: ['jest'] }

test('at the top level of a vitest file', () => {
  const code = text(`
    import { test } from 'vitest'

    // One server for each worker.
    const BASE_PORT = 4000
    const workerId = Number(process.env.VITEST_POOL_ID ?? 1)
    const port = BASE_PORT + workerId

    test('answers', () => fetch(\`http://localhost:\${port}\`))
  `)
  expect(migrate(code, VITEST)).toEqual({
    changes: 1,
    findings: [],
    code: text(`
      import { test } from 'vitest'
      import { takePort } from '@portslice/vitest-plugin/test'

      // One server for each worker.
      const port = await takePort()

      test('answers', () => fetch(\`http://localhost:\${port}\`))
    `),
  })
})

test('in a beforeAll of Jest in CommonJS', () => {
  const code = text(`
    'use strict'
    const request = require('supertest')
    let port

    beforeAll(async () => {
      port = 4000 + parseInt(process.env.JEST_WORKER_ID || '1', 10)
      await app.listen(port)
    })
  `)
  expect(migrate(code, JEST).code).toBe(
    text(`
      'use strict'
      const request = require('supertest')
      const { takePort } = require('@portslice/core')
      let port

      beforeAll(async () => {
        port = await takePort()
        await app.listen(port)
      })
    `),
  )
})

test('with the testInfo of Playwright', () => {
  const code = text(`
    import { test } from '@playwright/test';

    test('shop', async ({ page }, testInfo) => {
      const port = 9000 + testInfo.parallelIndex;
      await start(port);
    });
  `)
  expect(migrate(code, { file: 'e2e/shop.spec.ts' }).code).toBe(
    text(`
      import { test } from '@playwright/test';
      import { takePort } from '@portslice/core';

      test('shop', async ({ page }, testInfo) => {
        const port = await takePort();
        await start(port);
      });
    `),
  )
})

describe('forms of the sum', () => {
  test.each([
    '4000 + Number(process.env.VITEST_POOL_ID)',
    'Number(process.env.VITEST_WORKER_ID) + 4000',
    '4000 + +process.env.VITEST_POOL_ID',
    '4000 + +(process.env.VITEST_POOL_ID ?? 1)',
    "4000 + Number.parseInt(process.env['VITEST_POOL_ID'] || '1', 10)",
    '4000 + Number(process.env.VITEST_POOL_ID!)',
    '4000 + (Number(process.env.VITEST_POOL_ID) - 1) * 10',
    '4000 + (Number(process.env.VITEST_POOL_ID) % 100)',
    '(4000 + Number(import.meta.env.VITEST_POOL_ID)) as number',
    '4000 + 100 + Number(process.env.VITEST_POOL_ID)',
    'BASE + Number(VITEST_POOL_ID)',
  ])('%s', (sum) => {
    const code = `import 'vitest'\nconst { VITEST_POOL_ID } = process.env\nconst BASE = 4000\nexport const serverPort = ${sum}\nuse(BASE, VITEST_POOL_ID)\n`
    expect(migrate(code, VITEST).code).toContain('export const serverPort = await takePort()\n')
    expect(migrate(code, VITEST).code).toContain('use(BASE, VITEST_POOL_ID)')
  })

  test.each([
    ['an argument of listen()', 'server.listen(4000 + worker)'],
    ['an environment variable', 'process.env.PORT = String(4000 + worker)'],
    ['an option', 'start({ port: 4000 + worker })'],
  ])('%s', (_, statement) => {
    const code = `import 'vitest'\nconst worker = Number(process.env.VITEST_POOL_ID)\n${statement}\n`
    expect(migrate(code, VITEST).code).toBe(
      `import 'vitest'\nimport { takePort } from '@portslice/vitest-plugin/test'\n${statement.replace('4000 + worker', 'await takePort()')}\n`,
    )
  })

  test('fixtures of test.extend run once for each test', () => {
    const code = text(`
      import { test as base } from '@playwright/test'
      export const test = base.extend({
        port: async ({}, use, testInfo) => {
          const port = 5000 + testInfo.workerIndex
          await use(port)
        },
        workerPort: [async ({}, use, workerInfo) => {
          const port = 6000 + workerInfo.workerIndex
          await use(port)
        }, { scope: 'worker' }],
      })
    `)
    const { code: after, findings } = migrate(code, { file: 'fixtures.ts' })
    expect(after.match(/const port = await takePort\(\)/g)).toHaveLength(2)
    expect(findings).toEqual([])
  })
})

test('in a test of test.each', () => {
  const code = text(`
    import { test } from 'vitest'
    test.each([1, 2])('%s', async () => {
      const port = 4000 + Number(process.env.VITEST_POOL_ID)
    })
  `)
  expect(migrate(code, VITEST).code).toContain('const port = await takePort()')
})

describe('a sum that is not a port is neither replaced nor listed', () => {
  test.each([
    `const database = \`test_\${process.env.VITEST_POOL_ID}\``,
    'const seed = 4000 + Number(process.env.VITEST_POOL_ID)',
    'const timeout = 5000 + Number(process.env.VITEST_POOL_ID) * 10',
    'const worker = Number(process.env.VITEST_POOL_ID)',
    'const exportIndex = Number(process.env.VITEST_POOL_ID) + 1',
    'if (process.env.VITEST_POOL_ID === "1") seed()',
  ])('%s', (statement) => {
    const code = `import 'vitest'\n${statement}\n`
    expect(migrate(code, VITEST)).toEqual({ code, changes: 0, findings: [] })
  })
})

describe('listed', () => {
  test.each([
    [
      'a function that is called without await',
      "import 'vitest'\nexport const getPort = () => 4000 + Number(process.env.VITEST_POOL_ID)",
      '2 synchronous',
    ],
    [
      'a function that may be called twice',
      "import 'vitest'\nasync function start() { const port = 4000 + Number(process.env.VITEST_POOL_ID) }",
      '2 repeated',
    ],
    [
      'a loop',
      "import 'vitest'\nfor (const one of two) { const port = 4000 + Number(process.env.VITEST_POOL_ID) }",
      '2 repeated',
    ],
    [
      'a property of a class',
      "import 'vitest'\nclass A { static { const port = 4000 + Number(process.env.VITEST_POOL_ID) } }",
      '2 synchronous',
    ],
    [
      'a base port of several ports',
      "import 'vitest'\nconst port = 4000 + 10 * Number(process.env.VITEST_POOL_ID)\nstart(port, port + 1)",
      '2 block',
    ],
    [
      'an unknown base',
      "import 'vitest'\nconst port = base + Number(process.env.VITEST_POOL_ID)",
      '2 workerSum',
    ],
    [
      'digits',
      `import 'vitest'\nconst port = Number(\`40\${process.env.VITEST_POOL_ID}\`)`,
      '2 workerSum',
    ],
    [
      'a URL',
      `import 'vitest'\nfetch(\`http://localhost:\${4000 + Number(process.env.VITEST_POOL_ID)}\`)`,
      '2 workerSum',
    ],
  ])('%s', (_, code, finding) => {
    expect(migrate(code, VITEST).code).toBe(code)
    expect(listFindings(code, VITEST)).toEqual([finding])
  })

  test('CommonJS has no top-level await', () => {
    const code =
      'const port = 4000 + Number(process.env.JEST_WORKER_ID)\nmodule.exports = { port }\n'
    expect(migrate(code, JEST).code).toBe(code)
    expect(listFindings(code, JEST)).toEqual(['1 synchronous'])
    expect(migrate(code, JEST).findings[0]?.advice).toContain('portsFromEnv()')
  })

  test('an ES module that Jest converts to CommonJS has none either', () => {
    const code = 'export const port = 4000 + Number(process.env.JEST_WORKER_ID)\n'
    const asModule = { ...JEST, isModule: true }
    expect(listFindings(code, JEST)).toEqual(['1 synchronous'])
    expect(listFindings(code, asModule)).toEqual(['1 synchronous'])
    const scripts = ['NODE_OPTIONS=--experimental-vm-modules jest']
    expect(listFindings(code, { ...asModule, scripts })).toEqual([])
    expect(listFindings(code, { ...JEST, file: 'a.test.mjs' })).toEqual([])
  })

  test('the same sum twice in a file', () => {
    const code = text(`
      import 'vitest'
      const port = 4000 + Number(process.env.VITEST_POOL_ID)
      beforeAll(async () => { server.listen(4000 + Number(process.env.VITEST_POOL_ID)) })
    `)
    expect(migrate(code, VITEST).code).toBe(code)
    expect(listFindings(code, VITEST)).toEqual(['2 sharedNumber', '3 sharedNumber'])
  })

  test('the same base port in another file', () => {
    const code = "import 'vitest'\nconst port = 4000 + Number(process.env.VITEST_POOL_ID)\n"
    expect(listFindings(code, { ...VITEST, sharedBases: [4000] })).toEqual(['2 sharedNumber'])
    expect(listFindings(code, { ...VITEST, sharedBases: [5000] })).toEqual([])
  })

  test('a config', () => {
    const code = 'const port = 4000 + Number(process.env.TEST_PARALLEL_INDEX)\nexport default {}\n'
    expect(listFindings(code, { file: 'playwright.config.ts', isModule: true })).toEqual([
      '1 config',
    ])
  })
})
