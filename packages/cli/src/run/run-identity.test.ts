import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { formatRun, identifyRun, parseRun, type RunIdentity, stateOfRun } from './run-identity.js'

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-identity-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const RUN: RunIdentity = {
  pid: 1,
  startedAt: '139390',
  pidNamespace: 'pid:[4026531836]',
  kernel: '7d2230b6-32de-4883-8d01-8a4092d0bb50',
  socket: '.portslice-b122f0367b66.sock',
}

test('what is written is what is read', () => {
  expect(parseRun(formatRun(RUN))).toEqual(RUN)
  const bare = { ...RUN, startedAt: '-', pidNamespace: '-', socket: '-' }
  expect(parseRun(formatRun(bare))).toEqual(bare)
  expect(parseRun('WEB_PORT=20000')).toBeUndefined()
})

test('a socket outside of the directory is not read', () => {
  expect(parseRun(formatRun({ ...RUN, socket: '../../etc/x.sock' }))).toBeUndefined()
})

test('a run is alive while it has its socket, and leaves nothing', async () => {
  const folder = temporaryFolder()
  const { identity, close } = await identifyRun(folder)
  expect(await stateOfRun(identity, folder)).toBe('alive')
  expect(await stateOfRun({ ...identity, kernel: 'another' }, folder)).toBe('unknown')
  close()
  expect(readdirSync(folder)).toEqual([])
})

test.runIf(process.platform === 'linux')(
  'without a socket it is told by pid, start time and pid namespace',
  async () => {
    const folder = temporaryFolder()
    const { identity, close } = await identifyRun(folder)
    close()
    const bare = { ...identity, socket: '-' }
    expect(await stateOfRun(bare, folder)).toBe('alive')
    expect(await stateOfRun({ ...bare, startedAt: '1' }, folder)).toBe('dead')
    expect(await stateOfRun({ ...bare, pidNamespace: 'pid:[1]' }, folder)).toBe('unknown')
    expect(await stateOfRun({ ...bare, pidNamespace: '-' }, folder)).toBe('unknown')
  },
)
