import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { PortsliceError } from './errors.js'

test('an error is printed once with its code, problem, advice and documentation', () => {
  const error = new PortsliceError('ERR_PORTSLICE_CLOSED', 'It is closed.', {
    value: 3000,
    advice: 'Open another one.',
  })
  const lines = [
    'It is closed.',
    'Open another one.',
    'https://github.com/portslice/portslice/blob/main/docs/troubleshooting.md#err_portslice_closed',
  ]
  expect([error.problem, error.advice, error.docs]).toEqual(lines)
  expect(error.message).toBe(lines.join('\n'))
  const headline = `PortsliceError [ERR_PORTSLICE_CLOSED]: ${error.message}\n`
  expect(`${error}\n`).toBe(headline)
  expect(error.stack?.startsWith(`${headline}    at ${import.meta.filename}`)).toBe(true)
  const printed = inspect(error)
  expect(printed.startsWith(headline)).toBe(true)
  expect(printed.split(error.advice)).toHaveLength(2)
  expect(printed.split(error.docs)).toHaveLength(2)
  expect(printed).toContain('value: 3000')
})

test('control characters of a problem or an advice are escaped', () => {
  const error = new PortsliceError('ERR_PORTSLICE_CLOSED', 'a\u001b[2J', { advice: 'b\u0007' })
  expect(error.message).toContain('a\\u001b[2J\nb\\u0007\n')
})

test('a program can change the properties of an error, as of any other', () => {
  const error = new PortsliceError('ERR_PORTSLICE_CLOSED', 'It is closed.', { advice: 'Open it.' })
  for (const name of ['name', 'message', 'stack', 'problem', 'advice', 'docs'] as const) {
    Object.assign(error, { [name]: 'changed' })
    expect(error[name]).toBe('changed')
  }
})
