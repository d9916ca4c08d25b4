import { expect, test } from 'vitest'
import { systemOf } from '../platform/system.js'
import { avoidedPorts, whyAvoided } from './avoided-ports.js'

test('the ports of AirPlay are avoided on macOS alone', () => {
  for (const port of [5000, 7000]) {
    expect(avoidedPorts(systemOf('darwin')).has(port)).toBe(true)
    expect(avoidedPorts(systemOf('linux')).has(port)).toBe(false)
    expect(whyAvoided(port, systemOf('darwin'))).toBe(
      'the default port of the AirPlay receiver of macOS',
    )
    expect(whyAvoided(port, systemOf('linux'))).toBeUndefined()
  }
  expect(avoidedPorts(systemOf('darwin')).has(5432)).toBe(true)
})
