import { expect, test } from 'vitest'
import { portVariableNames, replacePortPlaceholders } from './placeholders.js'

test('replaces variables in braces with their ports', () => {
  const ports = { PORT: '20001', API_PORT: '20002' }
  expect(replacePortPlaceholders('--port={PORT} --api {API_PORT}/{PORT}', ports)).toBe(
    '--port=20001 --api 20002/20001',
  )
})

test.each([
  '{}',
  '{port}',
  '{PORTS}',
  '{ PORT }',
  '$' + '{PORT}',
  '{"a":{"PORT":1}}',
  '{TRANSPORT}',
])('other braces stay: %s', (text) =>
  expect(replacePortPlaceholders(text, { PORT: '20001' })).toBe(text),
)

test('an unknown name is refused', () => {
  expect(() => replacePortPlaceholders('--db {DB_PORT}', { PORT: '1', API_PORT: '2' })).toThrow(
    'There is no port for {DB_PORT} in "--db {DB_PORT}".\nName it in the option `ports`. There are {PORT}, {API_PORT}.',
  )
})

test('each name has a variable of its own', () => {
  expect(portVariableNames(['api', 'web-api', 'Db_2'])).toEqual([
    'API_PORT',
    'WEB_API_PORT',
    'DB_2_PORT',
  ])
  expect(() => portVariableNames(['web-api', 'web_API'])).toThrow(
    'The ports "web-api" and "web_API" would both be in $WEB_API_PORT.',
  )
  expect(() => portVariableNames(['api', 'a=b'])).toThrow('A port cannot be named "a=b".')
})
