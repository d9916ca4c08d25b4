/** Suites like real ones, before they are moved to portslice. */

type Files = Record<string, string>

/**
 * Lets the suites of two checkouts bind their ports at the same time: `meet` resolves when as many
 * have come as take part. A fixed port is then in use for one of them.
 */
const MEET = `
  const { mkdirSync, readdirSync, writeFileSync } = require('node:fs')
  const { join } = require('node:path')
  exports.meet = async (name) => {
    const place = join(process.env.MEETING, name)
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, String(process.pid)), '')
    const deadline = performance.now() + 60_000
    while (readdirSync(place).length < 2) {
      if (performance.now() > deadline) throw new Error('Only one came to ' + name)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }`

const SERVER = `
  const http = require('node:http')
  exports.startServer = (port, name) => new Promise((resolve, reject) => {
    const server = http.createServer((request, response) => response.end(name + ' of ' + process.pid))
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server))
  })`

const SHARED = { 'test/helpers/meet.cjs': MEET, 'src/server.cjs': SERVER }

/** vitest, ES modules, a free port in a hook of each file. */
export function vitestWithGetPort(): Files {
  const testFile = (name: string) => `import getPort, { portNumbers } from 'get-port'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer } from '../src/server.cjs'
import { meet } from './helpers/meet.cjs'

let server
let port

beforeAll(async () => {
  await meet('${name} begins')
  port = await getPort({ port: portNumbers(21_000, 21_009) })
  server = await startServer(port, '${name}')
})

afterAll(async () => {
  await meet('${name} ends')
  await new Promise((resolve) => server.close(resolve))
})

describe('${name}', () => {
  it('answers from this process', async () => {
    const response = await fetch(\`http://127.0.0.1:\${port}\`)
    expect(await response.text()).toBe('${name} of ' + process.pid)
  })
})
`
  return {
    ...SHARED,
    'package.json': '{ "type": "module", "devDependencies": { "vitest": "*", "get-port": "*" } }',
    'vitest.config.js':
      "export default { test: { pool: 'forks', maxWorkers: 2, hookTimeout: 60_000 } }",
    'test/orders.test.js': testFile('orders'),
    'test/users.test.js': testFile('users'),
  }
}

/** Jest, CommonJS, a first port and the number of the worker. */
export function jestWithWorkerId(): Files {
  const testFile = (name: string, base: number, isInHook: boolean) => `'use strict'
const { startServer } = require('../src/server.cjs')
const { meet } = require('./helpers/meet.cjs')

${isInHook ? 'let port' : `const port = ${base} + Number(process.env.JEST_WORKER_ID)`}
let server

beforeAll(async () => {
  await meet('${name} begins')
${isInHook ? `  port = ${base} + Number(process.env.JEST_WORKER_ID || 1)\n` : ''}  server = await startServer(port, '${name}')
})

afterAll(async () => {
  await meet('${name} ends')
  await new Promise((resolve) => server ? server.close(resolve) : resolve())
})

test('${name} answers from this process', async () => {
  const response = await fetch(\`http://127.0.0.1:\${port}\`)
  expect(await response.text()).toBe('${name} of ' + process.pid)
})
`
  return {
    ...SHARED,
    'package.json': '{ "devDependencies": { "jest": "*" } }',
    // With a limit of memory Jest never runs files one after the other in its own process, which it
    // does when an earlier run was quick: two checkouts that begin with different files never meet.
    'jest.config.cjs': `module.exports = {
      maxWorkers: 2,
      testTimeout: 60_000,
      transform: {},
      workerIdleMemoryLimit: '8GB',
    }`,
    'test/orders.test.js': testFile('orders', 21_100, true),
    'test/users.test.js': testFile('users', 21_200, false),
  }
}

export const TABLE_SIZE = 100

/** node:test, CommonJS, a table of ports that every file reads when it is loaded. */
export function nodeTestWithTable(): Files {
  const names = Array.from({ length: TABLE_SIZE }, (_, i) => `service${i}`)
  const rows = names.map((name, i) => `  ${name}: ${22_000 + i},`)
  const testFile = (name: string, services: readonly string[]) => `'use strict'
const assert = require('node:assert')
const { after, before, test } = require('node:test')
const { startServer } = require('../src/server.cjs')
const { meet } = require('./helpers/meet.cjs')
const { ${services.join(', ')} } = require('./ports-map')

const ports = [${services.join(', ')}]
const servers = []

before(async () => {
  await meet('${name} begins')
  for (const port of ports) servers.push(await startServer(port, '${name}'))
})

after(async () => {
  await meet('${name} ends')
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
})

test('${name} answers on each port', async () => {
  for (const port of ports) {
    const response = await fetch(\`http://127.0.0.1:\${port}\`)
    assert.equal(await response.text(), '${name} of ' + process.pid)
  }
})
`
  return {
    ...SHARED,
    'package.json': '{}',
    'test/ports-map.js': `module.exports = {\n${rows.join('\n')}\n}\n`,
    'test/orders.test.js': testFile('orders', names.slice(0, 50)),
    'test/users.test.js': testFile('users', names.slice(50)),
  }
}
