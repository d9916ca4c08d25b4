import { describe, expect, test } from 'vitest'
import { environmentFor, withPorts } from './pass-ports.js'
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
  expect(withPorts('http://[::1]:{WEB_PORT}/?to={MY_API_PORT}&again={WEB_PORT}', [WEB, API])).toBe(
    'http://[::1]:20000/?to=20001&again=20000',
  )
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a shell's
  const others = '{PORT} {OTHER_PORT} {{WEB_PORT {web_port} ${WEB_PORT}'
  expect(withPorts(others, [WEB, API])).toBe(others)
})
