/** Line endings, comments and languages of files, and properties of every migration. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FileSetup, listFindings, migrate, text } from './migrate.test-support.js'
import { mayContainPorts } from './migrate-source.js'
import { parseSource } from './parse.js'

test('Windows line endings stay, and added lines have them', () => {
  const code =
    "import getPort, { portNumbers } from 'get-port'\r\nawait getPort()\r\nuse(portNumbers)\r\n"
  expect(migrate(code).code).toBe(
    "import { portNumbers } from 'get-port'\r\nimport { takePort } from '@portslice/core'\r\nawait takePort()\r\nuse(portNumbers)\r\n",
  )
})

test('a byte order mark, a shebang, directives and comments stay', () => {
  const code = text(`
    #!/usr/bin/env node
    'use strict'
    /* eslint-env jest */

    // The port of the worker
    beforeAll(async () => {
      port = 4000 + Number(process.env.JEST_WORKER_ID) // one each
    })
  `)
  expect(migrate(`\uFEFF${code.split('\n').slice(1).join('\n')}`, { file: 'a.js' }).code).toMatch(
    /^\uFEFF'use strict'/,
  )
  expect(migrate(code, { file: 'a.js' }).code).toBe(
    text(`
      #!/usr/bin/env node
      'use strict'
      /* eslint-env jest */

      // The port of the worker
      const { takePort } = require('@portslice/core')

      beforeAll(async () => {
        port = await takePort() // one each
      })
    `),
  )
})

test('TypeScript, JSX, decorators and Flow', () => {
  for (const [file, code] of [
    ['a.ts', 'const x = <number>await getPort() satisfies number\n'],
    ['a.tsx', 'const x = <App port={await getPort()} />\n'],
    ['a.jsx', 'const x = <App port={await getPort()} />\n'],
    ['a.js', 'const x: number = await getPort()\n'],
    ['a.mts', 'enum A { B = 1 }\n@fixed class C { constructor(private port = getPort()) {} }\n'],
    ['a.ts', 'type M = { [K in keyof T as Uppercase<K>]?: T[K] }\nuse(await getPort())\n'],
    ['a.ts', 'class C { constructor(@Inject() private a: A) { getPort() } }\n'],
    ['a.js', '@fixed class C { @own accessor a = getPort() }\n'],
    ['a.js', 'await using server = await serve(getPort())\n'],
    ['a.ts', 'declare global { var x: number }\nnamespace N { export const y = getPort() }\n'],
    ['a.ts', 'abstract class A<in out T> { abstract a(x: T): asserts x is T; b = getPort() }\n'],
    ['a.ts', 'type F = typeof import("x") extends infer U ? U : never\nlet p = getPort()\n'],
    ['a.ts', 'function f(a: string): void\nfunction f(a: any) { return getPort() }\n'],
    ['a.ts', 'export type P = Awaited<ReturnType<() => number>>\nusing(await getPort())\n'],
  ] as const) {
    const whole = `import getPort from 'get-port'\n${code}`
    expect(migrate(whole, { file }).code, file).toBe(
      `import { takePort } from '@portslice/core'\n${code.replace('getPort()', 'takePort()')}`,
    )
  }
})

describe('a file that cannot be parsed', () => {
  test('is listed and stays as it is', () => {
    const code = "import getPort from 'get-port'\nconst port = = await getPort()\n"
    const { code: after, findings } = migrate(code)
    expect(after).toBe(code)
    expect(findings).toMatchObject([
      { line: 2, kind: 'unparsable', advice: expect.stringContaining('Unexpected token') },
    ])
  })

  test('is listed if it is nested too deeply', () => {
    const code = `import getPort from 'get-port'\nx(${'1+'.repeat(50_000)}1)\nawait getPort()\n`
    expect(migrate(code)).toMatchObject({ code, findings: [{ kind: 'unparsable' }] })
  })

  test('is ignored if it contains no package or worker number', () => {
    expect(listFindings('const a = = 1\napp.listen(3000)')).toEqual([])
  })
})

test('most files are not parsed', () => {
  expect(mayContainPorts("import { test } from 'vitest'\ntest('adds', () => add(1, 2))\n")).toBe(
    false,
  )
  expect(mayContainPorts("const getPort = require('get-port')")).toBe(true)
  expect(mayContainPorts('server.listen(3000)')).toBe(true)
})

test('a finding has a position, the code and advice', () => {
  const code =
    "import getPort from 'get-port'\n\n  const a = 1,\n    b = getPort({\n      ...c,\n    })\n"
  expect(migrate(code).findings).toEqual([
    {
      line: 4,
      column: 9,
      kind: 'options',
      source: 'getPort({',
      advice: expect.stringContaining('takePort({ prefer:'),
    },
  ])
})

describe('every file', () => {
  const load = fc.constantFrom(
    "import getPort from 'get-port'",
    "import getPort, { portNumbers, clearLockedPorts } from 'get-port'",
    "const getPort = require('get-port')",
    "const { default: getPort } = await import('get-port');",
    "import { takePort } from '@portslice/core'\nimport getPort from 'get-port'",
    'import { detect } from \'detect-port\'\nimport portfinder from "portfinder"',
    "import { test } from 'vitest'",
    '// nothing',
  )
  const statement = fc.constantFrom(
    'await getPort()',
    'const a = await getPort({ port: 3000 }) // the usual one',
    'await getPort({ port: portNumbers(3000, 3010), host })',
    'clearLockedPorts();',
    'getPort(options).then((port) => port)',
    'const { takePort } = fixtures',
    'await detect(4000)\nawait portfinder.getPortPromise()',
    'portfinder.basePort = 8000',
    'const port = 4000 + Number(process.env.VITEST_POOL_ID ?? 1)',
    'const base = 5000; export const apiPort = base + +process.env.JEST_WORKER_ID',
    'beforeAll(async () => { port = 6000 + Number(process.env.JEST_WORKER_ID) })',
    'server.listen(3000)',
    'function f(getPort) { return getPort() }',
    '',
  )
  const file = fc.constantFrom('a.test.ts', 'a.mjs', 'a.js', 'b.cjs', 'vitest.config.ts', 'c.tsx')
  const setup: fc.Arbitrary<FileSetup> = fc.record({
    file,
    isModule: fc.boolean(),
    dependencies: fc.subarray(['vitest', 'jest']),
  })
  const code = fc
    .tuple(
      fc.uniqueArray(load, { maxLength: 3 }),
      fc.array(statement),
      fc.constantFrom('\n', '\r\n'),
    )
    .map(([loads, statements, end]) =>
      [...loads, ...statements, ''].join('\n').replaceAll('\n', end),
    )
    .filter((each) => 'program' in parseSource(each, 'a.tsx'))

  test('can still be parsed after the migration, and a second migration changes nothing', () => {
    fc.assert(
      fc.property(code, setup, (before, setup) => {
        const once = migrate(before, setup)
        expect(parseSource(once.code, 'a.tsx')).toHaveProperty('program')
        expect(migrate(once.code, setup)).toMatchObject({ code: once.code, changes: 0 })
        expect(once.changes > 0).toBe(once.code !== before)
      }),
      { numRuns: 200 },
    )
  })

  test('keeps lines without ports', () => {
    fc.assert(
      fc.property(code, setup, (before, setup) => {
        const lines = new Set(migrate(before, setup).code.split(/\r?\n/))
        const others = before.split(/\r?\n/).filter((line) => /fixtures|nothing|listen/.test(line))
        for (const line of others) expect(lines).toContain(line)
      }),
    )
  })
})
