import { expect, test } from 'vitest'
import { listFindings, migrate } from './migrate.test-support.js'

test.each([
  ['app.listen(3000)', 'fixedListen'],
  ["app.listen(3000, '127.0.0.1', done)", 'fixedListen'],
  ['app.listen({ port: 3000 })', 'fixedListen'],
  ['const PORT = 3000; app.listen(PORT)', 'fixedListen'],
  ['export default { webServer: { port: 3000 } }', 'fixedWebServer'],
  ["export default { webServer: [{ url: 'http://127.0.0.1:3000/up' }] }", 'fixedWebServer'],
])('%s is listed', (code, kind) => {
  const { code: after, findings } = migrate(code)
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
])('%s is not listed', (code) => {
  expect(listFindings(code)).toEqual([])
})

test('a base port that is incremented is listed', () => {
  const code = 'let nextPort = 8089\nexport const take = () => (nextPort += 1)\n'
  expect(migrate(code)).toMatchObject({ code, changes: 0 })
  expect(listFindings(code)).toEqual(['1 table'])
  expect(listFindings('let port = 8089\nport++')).toEqual(['1 table'])
  expect(listFindings('let port = 8089\nport = other')).toEqual([])
  expect(listFindings('let size = 8089\nsize++')).toEqual([])
})

test('a table of ports is found by its name or that of its file', () => {
  const table = '{ api: 4001, web: 4002, admin: 4003 }'
  expect(listFindings(`const PORTS = ${table}`)).toEqual(['1 table'])
  expect(listFindings(`module.exports = ${table}`, { file: 'test/ports-map.js' })).toEqual([
    '1 table',
  ])
  expect(listFindings(`module.exports = ${table}`, { file: 'test/reports.js' })).toEqual([])
  expect(
    listFindings('export const ports = [4001, 4002, 4003] as const', { file: 'a.ts' }),
  ).toEqual(['1 table'])
})
