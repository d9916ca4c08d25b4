import { appendFileSync, existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import {
  recordAllocator,
  requestPortReport,
  takeLateUses,
  takeWorkerUse,
} from './recorded-allocator.js'

afterEach(() => vi.unstubAllEnvs())

/** An allocator whose ports a reporter has requested, and the file for ports that are released late. */
async function setUp() {
  vi.stubEnv('PORTSLICE_REPORT', '')
  requestPortReport()
  const [, file = ''] = process.env.PORTSLICE_REPORT?.split(' ') ?? []
  onTestFinished(() => rmSync(file, { force: true }))
  const options = {
    range: await ownRange(),
    lockDirectory: path.join(temporaryFolder(), 'locks'),
  }
  const allocator = await recordAllocator(() => createAllocator(options))
  onTestFinished(() => allocator.close())
  return { allocator, file }
}

test('returns ports that were released after the last test, and skips unreadable lines', async () => {
  const { allocator, file } = await setUp()
  const [one, other] = await allocator.takeMany([{ label: 'one' }, { label: 'other' }])
  expect(takeWorkerUse().ports.map(({ label }) => label)).toEqual(['one', 'other'])
  await one?.release()
  appendFileSync(file, '{"id":1,"po\n')
  await other?.release()
  const late = takeLateUses()
  expect(late.map(({ pid }) => pid)).toEqual([process.pid, process.pid])
  expect(late.flatMap(({ ports }) => ports)).toMatchObject([
    { label: 'one', releasedAt: expect.any(Number) },
    { label: 'other', releasedAt: expect.any(Number) },
  ])
  expect(existsSync(file)).toBe(false)
  expect(takeLateUses()).toEqual([])
})

test('a port is released even if the file for the report cannot be written', async () => {
  const { allocator } = await setUp()
  const lease = await allocator.take()
  vi.stubEnv('PORTSLICE_REPORT', `${process.pid} ${path.join(temporaryFolder(), 'no', 'file')}`)
  expect(await lease.release()).toEqual({ leaked: false })
})

test('does not write for the reporter of a run that has started this one', async () => {
  const { allocator, file } = await setUp()
  const lease = await allocator.take()
  vi.stubEnv('PORTSLICE_REPORT', `999999999 ${file}`)
  await lease.release()
  expect(existsSync(file)).toBe(false)
})
