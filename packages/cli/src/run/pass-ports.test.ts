import { describe, expect, test } from 'vitest'
import { parseCount } from './count-option.js'
import { environmentFor, replacePortPlaceholders } from './pass-ports.js'
import { variablesFor } from './port-variables.js'

describe('the variables of ports', () => {
  test('PORT without names, otherwise one variable per name', () => {
    expect(variablesFor([])).toEqual([{ variable: 'PORT' }])
    expect(variablesFor(['web', 'my-api_2'])).toEqual([
      { name: 'web', variable: 'WEB_PORT' },
      { name: 'my-api_2', variable: 'MY_API_2_PORT' },
    ])
  })

  test.each([[['a=b']], [['1web']], [['']], [['ä']], [['web', 'WEB']], [['a-b', 'a_b']]])(
    '%j is refused',
    (names) => {
      expect(() => variablesFor(names)).toThrow(
        expect.objectContaining({ code: 'ERR_PORTSLICE_USAGE' }),
      )
    },
  )
})

const WEB = { name: 'web', variable: 'WEB_PORT', port: 20_000 }
const API = { name: 'my-api', variable: 'MY_API_PORT', port: 20_001 }

test('a named port also sets the variable of namedPort', () => {
  expect(environmentFor([WEB, API])).toEqual({
    WEB_PORT: '20000',
    PORTSLICE_PORT_WEB: '20000',
    MY_API_PORT: '20001',
    PORTSLICE_PORT_MY_API: '20001',
  })
  expect(environmentFor([{ variable: 'PORT', port: 20_000 }])).toEqual({ PORT: '20000' })
})

test('known placeholders in arguments are replaced anywhere', () => {
  expect(
    replacePortPlaceholders('http://[::1]:{WEB_PORT}/?to={MY_API_PORT}&again={WEB_PORT}', [
      WEB,
      API,
    ]),
  ).toBe('http://[::1]:20000/?to=20001&again=20000')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's
  const others = '{PORT} {OTHER_PORT} {{WEB_PORT {web_port} ${WEB_PORT}'
  expect(replacePortPlaceholders(others, [WEB, API])).toBe(others)
})

const withCount = (count: string | undefined) => parseCount({ value: () => count })

test('a table is all in $PORTS, in order, and its first also in $PORT, beside names', () => {
  const table = withCount('3').map((each, index) => ({ ...each, port: 30_002 - index }))
  expect(environmentFor([WEB, ...table])).toEqual({
    WEB_PORT: '20000',
    PORTSLICE_PORT_WEB: '20000',
    PORT: '30002',
    PORTS: '30002,30001,30000',
  })
  const one = withCount('1').map((each) => ({ ...each, port: 20_000 }))
  expect(environmentFor(one)).toEqual({ PORT: '20000', PORTS: '20000' })
  expect(withCount(undefined)).toEqual([])
})

test.each(['0', '', '-1', '1.5', 'two', '65536', '99999'])('--count %j is refused', (count) => {
  expect(() => withCount(count)).toThrow(
    expect.objectContaining({
      code: 'ERR_PORTSLICE_USAGE',
      message: expect.stringContaining(`--count is ${JSON.stringify(count)}`),
    }),
  )
})
