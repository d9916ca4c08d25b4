/** Trees of processes on systems without /proc, such as macOS and Windows. */
import { system } from '@portslice/core/internal'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { ProcessTree } from './process-tree.js'

type Listed = { pid: number; parent: number; startedAt: string }[] | undefined

const listed = vi.fn<() => Promise<Listed>>()
const { hasProc, listProcesses } = system
beforeAll(() => void Object.assign(system, { hasProc: false, listProcesses: listed }))
afterAll(() => void Object.assign(system, { hasProc, listProcesses }))

/** Higher than the pids that Linux gives to processes. */
const [APP, CHILD, OTHER] = [4_200_001, 4_200_002, 4_200_003]
const ROOT = { pid: APP, parent: 1, startedAt: '100' }

beforeEach(() => void listed.mockReset())

const pidsOf = async (tree: ProcessTree) => (await tree.processes()).map(({ pid }) => pid)

test('a tree is known by parents', async () => {
  listed.mockResolvedValue([
    ROOT,
    { pid: CHILD, parent: APP, startedAt: '120' },
    { pid: OTHER, parent: 1, startedAt: '120' },
  ])
  expect(await pidsOf(new ProcessTree('id', [{ pid: APP, startedAt: '' }]))).toEqual([APP, CHILD])
})

test('a process that is older than its parent is an orphan of an earlier process', async () => {
  listed.mockResolvedValue([ROOT, { pid: CHILD, parent: APP, startedAt: '50' }])
  expect(await pidsOf(new ProcessTree('id', [{ pid: APP, startedAt: '' }]))).toEqual([APP])
})

test('a pid that another process has reused does not belong to the tree', async () => {
  listed.mockResolvedValueOnce([ROOT])
  const tree = new ProcessTree('id', [{ pid: APP, startedAt: '' }])
  expect(await tree.processes()).toEqual([{ pid: APP, startedAt: '100' }])
  listed.mockResolvedValue([{ ...ROOT, startedAt: '999' }])
  expect(await tree.processes()).toEqual([])
})

test('a start that is unknown may be that of the known process', async () => {
  listed.mockResolvedValueOnce([ROOT])
  const tree = new ProcessTree('id', [{ pid: APP, startedAt: '' }])
  await tree.processes()
  listed.mockResolvedValue([{ ...ROOT, startedAt: '' }])
  expect(await pidsOf(tree)).toEqual([APP])
})

test('if processes cannot be listed, those that are known run until their pid is free', async () => {
  listed.mockResolvedValue(undefined)
  const tree = new ProcessTree('id', [
    { pid: process.ppid, startedAt: '' },
    { pid: APP, startedAt: '' },
  ])
  expect(await pidsOf(tree)).toEqual([process.ppid])
})
