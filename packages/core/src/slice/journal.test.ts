import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { KeyMemory } from './key-memory.js'
import { Slice } from './slice.js'
import { journalPath } from './slice-paths.js'
import { readSliceRecord } from './slice-record.js'

async function setUp() {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const [first] = await ownRange()
  const holder = {
    pid: 1,
    host: 'boot/net:[1]',
    runner: 'unit',
    workerId: 1,
    cwd: '/',
    projectRoot: '/',
    command: 'test',
  }
  const context = { lockDirectory, holder, hasAcquiredLock: false }
  const lease = async () => {
    const slice = (await Slice.lease(first, {
      ...context,
      onTrouble: (error) => {
        throw error
      },
    })) as Slice
    onTestFinished(() => slice.giveBack())
    return slice
  }
  const slice = await lease()
  const take = (port: number, use = {}) => slice.tryTake(port, [use], () => true)
  return { slice, lease, first, take, journal: journalPath(lockDirectory, first) }
}

test('a journal reads as it was written', async () => {
  const { slice, first, take, journal } = await setUp()
  await take(first + 1, { label: 'api' })
  await take(first + 2, { label: 'web', key: 'k' })
  await take(first + 3)
  slice.release(first + 1, false)
  slice.release(first + 3, true)
  expect(readSliceRecord(journal)).toMatchObject({
    lease: { runner: 'unit' },
    ports: [
      { port: first + 2, state: 'out', label: 'web', key: 'k', projectRoot: '/' },
      { port: first + 3, state: 'leaked' },
    ],
  })
})

test('can be read by its owner only', async () => {
  const { journal } = await setUp()
  expect(statSync(journal).mode & 0o777).toBe(0o600)
})

test('is rewritten before it grows large, and loses nothing that counts', async () => {
  const { slice, first, take, journal } = await setUp()
  await take(first + 5, { label: 'stays' })
  await take(first + 6, { key: 'remembered' })
  slice.release(first + 6, false)
  let largest = 0
  for (let i = 0; i < 2000; i++) {
    await take(first + 1, { label: `a label of some length, number ${i}` })
    slice.release(first + 1, false)
    if (i % 100 === 0) largest = Math.max(largest, statSync(journal).size)
  }
  expect(largest).toBeLessThan(50 * 1024)
  const record = readSliceRecord(journal)
  expect(record?.ports).toMatchObject([{ port: first + 5, state: 'out', label: 'stays' }])
  expect([...(record?.keys ?? [])]).toEqual([[first + 6, { key: 'remembered', projectRoot: '/' }]])
})

test('is created again when its file has been deleted', async () => {
  const { first, take, journal } = await setUp()
  await take(first + 1)
  execFileSync('rm', [journal])
  await take(first + 2)
  expect(readSliceRecord(journal)?.ports.map(({ port }) => port)).toEqual([first + 1, first + 2])
})

test('every line is JSON with an event', async () => {
  const { slice, first, take, journal } = await setUp()
  await take(first + 1, { label: 'two\nlines, "quotes" and \u001b[31mcolour' })
  await slice.giveBack()
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['lease', 'take', 'end'])
})

test('remembers the last port of each key, also from earlier holders', async () => {
  const { slice, lease, first, take, journal } = await setUp()
  await take(first + 1, { key: 'one' })
  await take(first + 2, { key: 'two' })
  for (const port of [first + 1, first + 2]) slice.release(port, false)
  await take(first + 2) // Now the port no longer belongs to a key.
  await take(first + 4, { key: 'one' }) // As if its earlier port were in use.
  for (const port of [first + 2, first + 4]) slice.release(port, false)
  const kept = [[first + 4, { key: 'one', projectRoot: '/' }]]
  expect([...(readSliceRecord(journal)?.keys ?? [])]).toEqual(kept)
  await slice.giveBack()
  await lease()
  expect([...(readSliceRecord(journal)?.keys ?? [])]).toEqual(kept)
})

test('a key memory has at most one key for a port, and one port for a key', () => {
  const keys = new KeyMemory()
  const [one, two] = ['one', 'two'].map((key) => ({ key, projectRoot: '/' }))
  keys.note(1, one)
  keys.note(2, two)
  keys.note(3, one)
  keys.note(2, undefined)
  expect([...keys]).toEqual([[3, one]])
  expect(keys.portOf({ key: 'one', projectRoot: '/other' })).toBeUndefined()
  expect(keys.isForAnother(3, two)).toBe(true)
})
