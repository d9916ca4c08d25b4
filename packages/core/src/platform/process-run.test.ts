import { closeSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ownRun, processStateOf } from './process-run.js'

const isLinux = process.platform === 'linux'

test.skipIf(!isLinux)('a process is known by its pid and start time', () => {
  expect(processStateOf(process.pid, ownRun())).toBe('running')
  expect(processStateOf(process.pid, { ...ownRun(), startedAt: '1' })).toBe('gone')
  expect(processStateOf(2 ** 22 + 1, ownRun())).toBe('gone')
})

test.skipIf(!isLinux)('without files to find out, the state of a process is unknown', () => {
  const run = ownRun()
  expect(processStateOf(process.pid, run)).toBe('running')
  const files: number[] = []
  try {
    expect(() => {
      for (;;) files.push(openSync('/dev/null', 'r'))
    }).toThrow('EMFILE')
    expect(processStateOf(process.pid, run)).toBe('unknown')
  } finally {
    for (const file of files) closeSync(file)
  }
})
