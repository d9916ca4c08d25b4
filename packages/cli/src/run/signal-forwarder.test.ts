import os from 'node:os'
import { expect, test } from 'vitest'
import { exitStatus } from './signal-forwarder.js'

test('the exit status is that of the program, or 128 and its signal', () => {
  expect(exitStatus(7, null)).toBe(7)
  expect(exitStatus(0, null)).toBe(0)
  for (const [name, number] of Object.entries(os.constants.signals)) {
    expect(exitStatus(null, name as NodeJS.Signals)).toBe(128 + number)
  }
})
