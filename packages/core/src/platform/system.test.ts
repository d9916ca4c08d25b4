import { expect, test } from 'vitest'
import { isNotPermitted, isTaken } from '../probe/bind-errors.js'
import { systemOf } from './system.js'

const failed = (code: string) => Object.assign(new Error(code), { code })

test('on Windows EACCES means that a port is in use, elsewhere that it is not permitted', () => {
  const [windows, linux] = [systemOf('win32'), systemOf('linux')]
  expect([isTaken(failed('EACCES'), windows), isTaken(failed('EACCES'), linux)]).toEqual([
    true,
    false,
  ])
  expect(isNotPermitted(failed('EACCES'), windows)).toBe(false)
  expect(isNotPermitted(failed('EACCES'), linux)).toBe(true)
  expect(isTaken(failed('EADDRINUSE'), windows)).toBe(true)
})

test('only on Linux does a wildcard conflict with all addresses, and /proc exist', () => {
  for (const name of ['darwin', 'win32', 'freebsd'] as const) {
    expect(systemOf(name)).toMatchObject({ isWildcardExclusive: false, hasProc: false })
    expect(systemOf(name).listProcesses).toBeDefined()
  }
  expect(systemOf('linux')).toMatchObject({ isWildcardExclusive: true, hasProc: true })
})

test('an unknown system is treated as one of BSD', () => {
  expect(systemOf('openbsd')).toBe(systemOf('freebsd'))
})
