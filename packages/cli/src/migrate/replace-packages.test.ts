import { describe, expect, test } from 'vitest'
import { listFindings, migrate, text } from './migrate.test-support.js'

const VITEST = { file: 'src/server.test.ts', dependencies: ['vitest'] }

describe('get-port', () => {
  test('a vitest file imports takePort from the plugin', () => {
    const before = text(`
      import getPort from 'get-port'
      import { afterAll, beforeAll, expect, test } from 'vitest'
      import { startServer } from './server'

      let server: Server
      let port: number

      beforeAll(async () => {
        port = await getPort()
        server = await startServer({ port })
      })
    `)
    const { code, changes, findings } = migrate(before, VITEST)
    expect(code).toBe(
      before
        .replace(
          "import getPort from 'get-port'",
          "import { takePort } from '@portslice/vitest-plugin/test'",
        )
        .replace('await getPort()', 'await takePort()'),
    )
    expect(changes).toBe(1)
    expect(findings).toEqual([])
  })

  test('with vitest globals, the file name and package.json show the runner', () => {
    const code = "import getPort from 'get-port'\ntest('x', async () => serve(await getPort()))\n"
    expect(migrate(code, VITEST).code).toContain('@portslice/vitest-plugin/test')
    expect(migrate(code, { ...VITEST, dependencies: ['jest'] }).code).toContain('@portslice/core')
  })

  test.each([
    ['getPort()', 'takePort()'],
    ['getPort({})', 'takePort()'],
    ['getPort({ port: 3000 })', 'takePort({ prefer: 3000 })'],
    ['getPort({ port: 0 })', 'takePort()'],
    ['getPort({ port: [3000, 3001] })', 'takePort({ prefer: [3000, 3001] })'],
    ["getPort({ 'port': 3000 })", 'takePort({ prefer: 3000 })'],
    ['getPort({ port })', 'takePort({ prefer: port })'],
    ["getPort({ port: 3000, host: '127.0.0.1' })", 'takePort({ prefer: 3000 })'],
    ["getPort({ host: '127.0.0.1' })", 'takePort()'],
    ['getPort({ port: 3000 } as Options)', undefined],
    [
      'getPort({ port: portNumbers(3000, 3100) })',
      'takePort({ prefer: Array.from({ length: 101 }, (_, index) => 3000 + index) })',
    ],
    [
      'getPort({ port: makeRange(3000, 3001) })',
      'takePort({ prefer: Array.from({ length: 2 }, (_, index) => 3000 + index) })',
    ],
    [
      'getPort({ port: getPort.makeRange(3000, 3001) })',
      'takePort({ prefer: Array.from({ length: 2 }, (_, index) => 3000 + index) })',
    ],
  ])('%s', (call, result) => {
    const code = `import getPort, { portNumbers, makeRange } from 'get-port'\nconst one = await ${call}\n`
    const after = migrate(code, { file: 'a.mts' }).code
    if (result === undefined) expect(after).toBe(code)
    else expect(after).toContain(`const one = await ${result}\n`)
  })

  test.each([
    ['getPort(options)', 'options'],
    ['getPort({ ...options })', 'options'],
    ['getPort({ port: 3000, exclude: [3001] })', 'exclude'],
    ['getPort({ port: portNumbers(first, last) })', 'portRange'],
    ['getPort({ port: [3000, ...portNumbers(4000, 4010)] })', 'portList'],
    ['getPort({ port: 3000 /* the proxy expects it */, host })', 'comments'],
    ['Promise.all([1, 2].map(getPort))', 'passedOn'],
    ['getPort.call(null)', 'passedOn'],
    ['getPort?.()', 'passedOn'],
    ['{ getPort }', 'passedOn'],
    ['clearLockedPorts()', 'clearLocked'],
    ['portNumbers(1, 2)', 'portRange'],
  ])('%s is listed', (call, kind) => {
    const code = `import getPort, { clearLockedPorts, portNumbers } from 'get-port'\nuse(${call})\n`
    const result = migrate(code)
    expect(result.code).toBe(code)
    expect(result.findings).toMatchObject([{ line: 2, kind, advice: expect.stringMatching(/\.$/) }])
  })

  test('exports that cannot be replaced keep their import', () => {
    const code = text(`
      import getPort, { clearLockedPorts, portNumbers as numbers } from "get-port";
      const port = await getPort({ port: numbers(4000, 4009) });
      clearLockedPorts();
    `)
    expect(migrate(code).code).toBe(
      text(`
        import { clearLockedPorts } from "get-port";
        import { takePort } from "@portslice/core";
        const port = await takePort({ prefer: Array.from({ length: 10 }, (_, index) => 4000 + index) });
        clearLockedPorts();
      `),
    )
  })

  test('the import stays if one call is not replaced', () => {
    const code = "import getPort from 'get-port'\nawait getPort()\nawait getPort(options)\n"
    expect(migrate(code).code).toBe(
      "import getPort from 'get-port'\nimport { takePort } from '@portslice/core'\nawait takePort()\nawait getPort(options)\n",
    )
    expect(listFindings(code)).toEqual(['3 options'])
  })

  test('a call inside a call', () => {
    const code = "import getPort from 'get-port'\nawait getPort({ port: await getPort() })\n"
    const { code: after } = migrate(code)
    expect(after).toContain('await getPort({ port: await takePort() })')
    expect(after).toContain("from 'get-port'")
  })

  test('types stay', () => {
    const code =
      "import getPort, { type Options } from 'get-port'\nawait getPort()\nlet x: Options\n"
    expect(migrate(code, { file: 'a.mts' }).code).toBe(
      "import { type Options } from 'get-port'\nimport { takePort } from '@portslice/core'\nawait takePort()\nlet x: Options\n",
    )
  })
})

describe('forms of import', () => {
  test.each([
    ["import freePort from 'get-port'", 'freePort()', "import { takePort } from '@portslice/core'"],
    [
      "import { default as freePort } from 'get-port'",
      'freePort()',
      "import { takePort } from '@portslice/core'",
    ],
    [
      "import * as gp from 'get-port'",
      'gp.default()',
      "import { takePort } from '@portslice/core'",
    ],
    [
      "const getPort = require('get-port')",
      'getPort()',
      "const { takePort } = require('@portslice/core')",
    ],
    [
      "const getPort = require('get-port').default",
      'getPort()',
      "const { takePort } = require('@portslice/core')",
    ],
    [
      "const { default: getPort } = require('get-port')",
      'getPort()',
      "const { takePort } = require('@portslice/core')",
    ],
    [
      "const gp = require('get-port')",
      'gp.default()',
      "const { takePort } = require('@portslice/core')",
    ],
    [
      "const { default: getPort } = await import('get-port')",
      'getPort()',
      "const { takePort } = await import('@portslice/core')",
    ],
    [
      "const getPort = (await import('get-port')).default",
      'getPort()',
      "const { takePort } = await import('@portslice/core')",
    ],
  ])('%s', (load, call, result) => {
    const { code, findings } = migrate(`${load}\nuse(${call})\n`, { file: 'a.js' })
    expect(code).toBe(`${result}\nuse(takePort())\n`)
    expect(findings).toEqual([])
  })

  test('without a variable', () => {
    const code = "a(require('get-port')())\nb((await import('get-port')).default())\n"
    expect(migrate(code).code).toBe(
      "a(require('@portslice/core').takePort())\nb((await import('@portslice/core')).takePort())\n",
    )
  })

  test('inside a function', () => {
    const code = text(`
      beforeAll(async () => {
        const { default: getPort } = await import('get-port')
        port = await getPort()
      })
    `)
    expect(migrate(code, { file: 'a.cjs' }).code).toBe(
      text(`
        beforeAll(async () => {
          const { takePort } = await import('@portslice/core')
          port = await takePort()
        })
      `),
    )
  })

  test('among other declarations', () => {
    const code =
      "const http = require('http'), getPort = require('get-port')\ngetPort().then(serve)\n"
    expect(migrate(code, { file: 'a.js' }).code).toBe(
      "const http = require('http'), { takePort } = require('@portslice/core')\ntakePort().then(serve)\n",
    )
  })

  test.each([
    ["export { default } from 'get-port'", '1 importForm'],
    ["export * from 'get-port'", '1 importForm'],
    ["import('get-port').then(use)", '1 importForm'],
    ["import getPort = require('get-port'); getPort()", '1 importForm', 'a.ts'],
    ["let getPort; getPort = require('get-port')", '1 importForm'],
    ["const { ...all } = require('get-port')", '1 importForm'],
  ])('%s is listed', (code, kind, file = 'a.mjs') => {
    expect(migrate(code, { file })).toMatchObject({ code, changes: 0 })
    expect(listFindings(code, { file })).toEqual([kind])
  })

  test.each(['vi.mock', 'jest.mock', 'jest.unstable_mockModule'])('%s', (mock) => {
    const code = `import getPort from 'get-port'\n${mock}('get-port', () => fake)\nawait getPort()\n`
    expect(migrate(code).code).toBe(code)
    expect(listFindings(code)).toEqual(['3 mocked'])
  })

  test('vi.mock with an import', () => {
    const code = "import getPort from 'get-port'\nvi.mock(import('get-port'))\nawait getPort()\n"
    expect(migrate(code).code).toBe(code)
    expect(listFindings(code)).toContain('3 mocked')
  })

  test('a production dependency is only replaced in tests', () => {
    const code = "import getPort from 'get-port'\nexport const port = await getPort()\n"
    const setup = { file: 'src/serve.js', production: ['get-port'] }
    expect(migrate(code, setup).code).toBe(code)
    expect(listFindings(code, setup)).toEqual(['2 production'])
    expect(listFindings(code, { ...setup, file: 'src/serve.test.js' })).toEqual([])
  })

  test('calls in a config are listed, because every worker would get another port', () => {
    const code = "import getPort from 'get-port'\nexport default { port: await getPort() }\n"
    expect(migrate(code, { file: 'playwright.config.ts' }).code).toBe(code)
    expect(listFindings(code, { file: 'playwright.config.ts' })).toEqual(['2 config'])
  })

  test('two packages share one import', () => {
    const code = text(`
      import getPort from 'get-port'
      import { detect } from 'detect-port'
      const [a, b] = [await getPort(), await detect(4000)]
    `)
    expect(migrate(code).code).toBe(
      text(`
        import { takePort } from '@portslice/core'
        const [a, b] = [await takePort(), await takePort({ prefer: 4000 })]
      `),
    )
    const required = text(`
      const getPort = require('get-port');
      const detect = require('detect-port'), path = require('path');
      getPort().then(() => detect());
    `)
    expect(migrate(required, { file: 'a.cjs' }).code).toBe(
      text(`
        const { takePort } = require('@portslice/core');
        const path = require('path');
        takePort().then(() => takePort());
      `),
    )
  })

  test('an existing import of takePort is reused under its name', () => {
    const code = text(`
      import { takePort as lease } from '@portslice/core'
      import getPort from 'get-port'
      use(await lease(), await getPort())
    `)
    expect(migrate(code).code).toBe(
      text(`
        import { takePort as lease } from '@portslice/core'
        use(await lease(), await lease())
      `),
    )
  })
})

describe('names', () => {
  test('a shadowed name is not replaced', () => {
    const code = text(`
      import getPort from 'get-port'
      const one = await getPort()
      function other(getPort) { return getPort() }
      { const getPort = () => 1; getPort() }
      const object = { getPort: 1, other() { return this.getPort() } }
    `)
    expect(migrate(code).code).toBe(
      code
        .replace("import getPort from 'get-port'", "import { takePort } from '@portslice/core'")
        .replace('await getPort()', 'await takePort()'),
    )
  })

  test('a variable called takePort keeps its name', () => {
    const code = text(`
      import getPort from 'get-port'
      test('one', async ({ takePort }) => use(await takePort(), await getPort()))
    `)
    expect(migrate(code).code).toBe(
      text(`
        import { takePort as takeLeasedPort } from '@portslice/core'
        test('one', async ({ takePort }) => use(await takePort(), await takeLeasedPort()))
      `),
    )
    const required = "const getPort = require('get-port')\nlet takePort\ngetPort()\n"
    expect(migrate(required).code).toBe(
      "const { takePort: takeLeasedPort } = require('@portslice/core')\nlet takePort\ntakeLeasedPort()\n",
    )
  })

  test('a function of the same name from another module is not replaced', () => {
    const code = "import { getPort } from './ports.js'\nawait getPort({ port: 3000 })\n"
    expect(migrate(code)).toEqual({ code, changes: 0, findings: [] })
  })
})

describe('portfinder', () => {
  test.each([
    ['portfinder.getPortPromise()', 'takePort()'],
    ['portfinder.getPort()', 'takePort()'],
    ['portfinder.getPortPromise({ port: 8000 })', 'takePort({ prefer: 8000 })'],
    ["portfinder.getPortPromise({ port: 8000, host: '::' })", 'takePort({ prefer: 8000 })'],
  ])('%s', (call, result) => {
    for (const load of [
      "import portfinder from 'portfinder'",
      "import * as portfinder from 'portfinder'",
      "const portfinder = require('portfinder')",
    ]) {
      const { code, findings } = migrate(`${load}\nuse(${call})\n`, { file: 'a.js' })
      expect(code).toContain(`\nuse(${result})\n`)
      expect(code).not.toContain('portfinder')
      expect(findings).toEqual([])
    }
  })

  test('a named import', () => {
    const code = "import { getPortPromise } from 'portfinder'\nuse(await getPortPromise())\n"
    expect(migrate(code).code).toBe(
      "import { takePort } from '@portslice/core'\nuse(await takePort())\n",
    )
  })

  test.each([
    ['portfinder.getPort((error, port) => serve(port))', 'callback'],
    ['portfinder.getPort({ port: 3000 }, done)', 'callback'],
    ['portfinder.getPortPromise({ port: 3000, stopPort: 3100 })', 'portRange'],
    ['portfinder.getPortsPromise(3)', 'severalPorts'],
    ['portfinder.getSocketPromise()', 'socket'],
    ['util.promisify(portfinder.getPort)', 'passedOn'],
  ])('%s is listed', (call, kind) => {
    const code = `const portfinder = require('portfinder')\n${call}\n`
    expect(migrate(code).code).toBe(code)
    expect(listFindings(code)).toEqual([`2 ${kind}`])
  })

  test.each(['portfinder.basePort = 4000', 'portfinder.setBasePort(4000)'])(
    '%s holds for all calls, so they stay',
    (setting) => {
      const code = `import portfinder from 'portfinder'\n${setting}\nawait portfinder.getPortPromise()\n`
      expect(migrate(code).code).toBe(code)
      expect(listFindings(code)).toEqual(['2 basePort'])
    },
  )
})

describe('detect-port', () => {
  test.each([
    ['detect()', 'takePort()'],
    ['detect(3000)', 'takePort({ prefer: 3000 })'],
    ['detectPort(3000)', 'takePort({ prefer: 3000 })'],
    ['detect(Number(process.env.PORT))', 'takePort({ prefer: Number(process.env.PORT) })'],
    ['detect(PORT)', 'takePort({ prefer: PORT })'],
    ["detect({ port: 3000, hostname: '::' })", 'takePort({ prefer: 3000 })'],
  ])('%s', (call, result) => {
    const code = `import { detect, detectPort } from 'detect-port'\nconst PORT = 4000\nuse(await ${call})\n`
    expect(migrate(code).code).toContain(`use(await ${result})`)
  })

  test.each([
    ["detect('3000')", 'options'],
    ['detect(process.env.PORT)', 'options'],
    ['detect(port)', 'options'],
    ['detect(3000, (error, port) => use(port))', 'callback'],
    ['detect({ port: 3000, callback: use })', 'callback'],
    ['detect.waitPort(3000)', 'waitForPort'],
  ])('%s is listed', (call, kind) => {
    const code = `const detect = require('detect-port')\n${call}\n`
    expect(migrate(code).code).toBe(code)
    expect(listFindings(code)).toEqual([`2 ${kind}`])
  })
})

describe('get-port-please', () => {
  test.each([
    ['getRandomPort()', 'takePort()'],
    ["getRandomPort('localhost')", 'takePort()'],
    ['getPort()', 'takePort({ prefer: 3000 })'],
    ['getPort(4000)', 'takePort({ prefer: 4000 })'],
    ['getPort({ port: 4000 })', 'takePort({ prefer: 4000 })'],
    ['getPort({ ports: [4000, 4001] })', 'takePort({ prefer: [4000, 4001] })'],
    ['getPort({ random: true })', 'takePort()'],
    [
      'getPort({ portRange: [4000, 4003] })',
      'takePort({ prefer: Array.from({ length: 4 }, (_, index) => 4000 + index) })',
    ],
  ])('%s', (call, result) => {
    const code = `import { getPort, getRandomPort } from 'get-port-please'\nuse(await ${call})\n`
    expect(migrate(code).code).toContain(`use(await ${result})`)
  })

  test.each([
    ["getPort({ name: 'web' })", 'memoized'],
    ['getPort({ port: 3000, ports: [3001] })', 'options'],
    ['getPort(options)', 'options'],
    ['waitForPort(3000)', 'waitForPort'],
    ['checkPort(3000)', 'checkPort'],
  ])('%s is listed', (call, kind) => {
    const code = `import { checkPort, getPort, waitForPort } from 'get-port-please'\nuse(await ${call})\n`
    expect(migrate(code).code).toBe(code)
    expect(listFindings(code)).toEqual([`2 ${kind}`])
  })
})

test('portastic is listed', () => {
  const code = "const portastic = require('portastic')\nportastic.find({ min: 8000, max: 8080 })\n"
  expect(migrate(code).code).toBe(code)
  expect(listFindings(code)).toEqual(['2 portRange'])
})
