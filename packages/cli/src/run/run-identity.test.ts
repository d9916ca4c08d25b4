import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { formatRun, identifyRun, parseRun, type RunIdentity, stateOfRun } from './run-identity.js'

function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-identity-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const RUN: RunIdentity = {
  pid: 1,
  startedAt: '139390',
  pidNamespace: 'pid:[4026531836]',
  kernel: '7d2230b6-32de-4883-8d01-8a4092d0bb50',
  socket: '.portslice-b122f0367b66.sock',
}

test('parseRun reads what formatRun writes', () => {
  expect(parseRun(formatRun(RUN))).toEqual(RUN)
  const bare = { ...RUN, startedAt: '-', pidNamespace: '-', socket: '-' }
  expect(parseRun(formatRun(bare))).toEqual(bare)
  expect(parseRun('WEB_PORT=20000')).toBeUndefined()
})

test('a socket outside of the directory is not read', () => {
  expect(parseRun(formatRun({ ...RUN, socket: '../../etc/x.sock' }))).toBeUndefined()
})

test('a run is alive while its socket listens, and leaves no files', async () => {
  const directory = temporaryDirectory()
  const { identity, close } = await identifyRun(directory)
  expect(await stateOfRun(identity, directory)).toBe('alive')
  expect(await stateOfRun({ ...identity, kernel: 'another' }, directory)).toBe('unknown')
  close()
  expect(readdirSync(directory)).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'without a socket, pid, start time and pid namespace identify a run',
  async () => {
    const directory = temporaryDirectory()
    const { identity, close } = await identifyRun(directory)
    close()
    const bare = { ...identity, socket: '-' }
    expect(await stateOfRun(bare, directory)).toBe('alive')
    expect(await stateOfRun({ ...bare, startedAt: '1' }, directory)).toBe('dead')
    expect(await stateOfRun({ ...bare, pidNamespace: 'pid:[1]' }, directory)).toBe('unknown')
    expect(await stateOfRun({ ...bare, pidNamespace: '-' }, directory)).toBe('unknown')
  },
)
