import { expect, test } from 'vitest'
import { avoidedPorts } from './avoided-ports.js'

test('the ports of AirPlay are avoided on macOS alone', () => {
  for (const port of [5000, 7000]) {
    expect(avoidedPorts('darwin').has(port)).toBe(true)
    expect(avoidedPorts('linux').has(port)).toBe(false)
  }
  expect(avoidedPorts('darwin').has(5432)).toBe(true)
})
