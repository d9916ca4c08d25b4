import { expect, test } from 'vitest'
import { listed, migrated } from './migrated.test-support.js'

test.each([
  ['app.listen(3000)', 'fixedListen'],
  ["app.listen(3000, '127.0.0.1', done)", 'fixedListen'],
  ['app.listen({ port: 3000 })', 'fixedListen'],
  ['const PORT = 3000; app.listen(PORT)', 'fixedListen'],
  ['export default { webServer: { port: 3000 } }', 'fixedWebServer'],
  ["export default { webServer: [{ url: 'http://127.0.0.1:3000/up' }] }", 'fixedWebServer'],
])('%s is listed', (code, kind) => {
  const { code: after, findings } = migrated(code)
  expect(after).toBe(code)
  expect(findings).toMatchObject([{ kind, advice: expect.stringContaining('Port 3000') }])
})

test.each([
  'app.listen(0)',
  'app.listen()',
  'app.listen(port)',
  "app.listen({ path: '/tmp/app.sock' })",
  'emitter.listen("3000")',
  "export default { webServer: { command: 'npm start', port } }",
  'const sizes = [1024, 2048, 4096]',
  'const ports = [1, 2, 3]',
  'const ports = { web: 3000 }',
])('%s is not', (code) => {
  expect(listed(code)).toEqual([])
})

test('a first port that is counted up', () => {
  const code = 'let nextPort = 8089\nexport const take = () => (nextPort += 1)\n'
  expect(migrated(code)).toMatchObject({ code, changes: 0 })
  expect(listed(code)).toEqual(['1 table'])
  expect(listed('let port = 8089\nport++')).toEqual(['1 table'])
  expect(listed('let port = 8089\nport = other')).toEqual([])
  expect(listed('let size = 8089\nsize++')).toEqual([])
})

test('a table of ports, by its name or that of its file', () => {
  const table = '{ api: 4001, web: 4002, admin: 4003 }'
  expect(listed(`const PORTS = ${table}`)).toEqual(['1 table'])
  expect(listed(`module.exports = ${table}`, { file: 'test/ports-map.js' })).toEqual(['1 table'])
  expect(listed(`module.exports = ${table}`, { file: 'test/reports.js' })).toEqual([])
  expect(listed('export const ports = [4001, 4002, 4003] as const', { file: 'a.ts' })).toEqual([
    '1 table',
  ])
})
