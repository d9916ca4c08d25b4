import { afterEach, expect, test, vi } from 'vitest'
import { namedPortSync, portsFromEnv } from './sync-ports.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('all ports of $PORTS, in their order', () => {
  vi.stubEnv('PORTS', '20001, 20000,443')
  expect(portsFromEnv()).toEqual([20_001, 20_000, 443])
})

test.each([
  [undefined, 'The environment variable $PORTS is not set'],
  ['', 'The environment variable $PORTS is not set'],
  ['20000,', 'has an empty entry'],
  ['20000,web', 'contains "web"'],
  ['20000,70000', 'contains "70000"'],
  ['0', 'contains "0"'],
  ['20000,20001,20000', 'names port 20000 twice'],
])('$PORTS=%j is refused, with what to do', (text, words) => {
  vi.stubEnv('PORTS', text)
  expect(() => portsFromEnv()).toThrow(
    expect.objectContaining({
      code: 'ERR_PORTSLICE_OPTION_INVALID',
      message: expect.stringContaining(words),
      advice: expect.stringContaining('portslice run --count'),
    }),
  )
})

test('a named port that has been leased', () => {
  vi.stubEnv('PORTSLICE_PORT_WEB_API', '20003')
  expect(namedPortSync('web-api')).toBe(20_003)
})

test.each([undefined, ''])(
  'the error for a named port that is not leased (%j) says where to lease it',
  (text) => {
    vi.stubEnv('PORTSLICE_PORT_WEB', text)
    expect(() => namedPortSync('web')).toThrow(
      expect.objectContaining({
        code: 'ERR_PORTSLICE_OPTION_INVALID',
        message: expect.stringMatching(
          /"web" is not leased yet.*\$PORTSLICE_PORT_WEB[\s\S]*globalSetup[\s\S]*portslice run --name web/,
        ),
      }),
    )
  },
)

test('a bad name, and a variable without a port', () => {
  expect(() => namedPortSync('1web')).toThrow('cannot be named "1web"')
  vi.stubEnv('PORTSLICE_PORT_WEB', 'abc')
  expect(() => namedPortSync('web')).toThrow('$PORTSLICE_PORT_WEB')
})
