import { expect, test } from 'vitest'
import { variablesOf, withPorts } from './placeholders.js'

test('ports stand where their variables are named in braces', () => {
  const ports = { PORT: '20001', API_PORT: '20002' }
  expect(withPorts('--port={PORT} --api {API_PORT}/{PORT}', ports)).toBe(
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
])('what is no placeholder stays: %s', (text) =>
  expect(withPorts(text, { PORT: '20001' })).toBe(text),
)

test('a name that there is not is refused', () => {
  expect(() => withPorts('--db {DB_PORT}', { PORT: '1', API_PORT: '2' })).toThrow(
    'There is no port for {DB_PORT} in "--db {DB_PORT}".\nName it in the option `ports`. There are {PORT}, {API_PORT}.',
  )
})

test('each name has a variable of its own', () => {
  expect(variablesOf(['api', 'web-api', 'Db_2'])).toEqual(['API_PORT', 'WEB_API_PORT', 'DB_2_PORT'])
  expect(() => variablesOf(['web-api', 'web_API'])).toThrow(
    'The ports "web-api" and "web_API" would both be told as $WEB_API_PORT.',
  )
  expect(() => variablesOf(['api', 'a=b'])).toThrow('A port cannot be named "a=b".')
})
