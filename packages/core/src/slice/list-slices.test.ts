import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { listSlices } from '../api/list.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { hostIdentity } from '../platform/host.js'
import { journalPath, livenessPath } from './slice-paths.js'

/** Lists only the slices of a range, because other processes may hold slices at the same time. */
async function listed(lockDirectory: string, [first, last]: readonly [number, number]) {
  const slices = await listSlices({ lockDirectory })
  return slices.filter((slice) => slice.first >= first && slice.last <= last)
}

test('lists the holder of a slice, what is out, and what listens', async () => {
  const range = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using allocator = await createAllocator({
    range,
    lockDirectory,
    shard: { index: 1, total: 1 },
  })
  const [api, web, gone] = await allocator.takeMany(3, { label: 'three' })
  const server = net.createServer().listen(web?.port)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  await gone?.release()
  const leaked = await allocator.take({ key: 'k' })
  const leaking = net.createServer().listen(leaked.port)
  await once(leaking, 'listening')
  await leaked.release()

  const [slice, ...others] = await listed(lockDirectory, range)
  expect(others).toEqual([])
  expect(slice).toMatchObject({
    first: range[0],
    last: range[1],
    state: 'held',
    holder: { pid: process.pid, runner: 'vitest', shard: '1/1', cwd: process.cwd() },
  })
  expect(slice?.ports.sort((a, b) => a.port - b.port)).toMatchObject(
    [
      { port: api?.port, state: 'out', label: 'three', listening: false },
      { port: web?.port, state: 'out', label: 'three', listening: true },
      { port: leaked.port, state: 'leaked', key: 'k', listening: true },
    ].sort((a, b) => (a.port as number) - (b.port as number)),
  )
  leaking.close()
  await once(leaking, 'close')
  expect((await listed(lockDirectory, range))[0]?.ports).toHaveLength(2)
})

test('lists slices of other lock directories, without their journals', async () => {
  const range = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using _ = await createAllocator({ range, lockDirectory })
  expect(await listed(path.join(temporaryFolder(), 'other'), range)).toEqual([
    { first: range[0], last: range[1], state: 'held', ports: [] },
  ])
})

test('does not list a holder that ended normally', async () => {
  const range = await ownRange()
  const [ended, other] = [path.join(temporaryFolder(), 'a'), path.join(temporaryFolder(), 'b')]
  const first = await createAllocator({ range, lockDirectory: ended })
  await first.take({ label: 'of the past' })
  await first.close()
  await using _ = await createAllocator({ range, lockDirectory: other })
  expect(await listed(ended, range)).toEqual([
    { first: range[0], last: range[1], state: 'held', ports: [] },
  ])
})

test('lists what dead holders left only while it matters', async () => {
  const range = await ownRange()
  const lockDirectory = temporaryFolder()
  const now = new Date().toISOString()
  const take = { event: 'take', port: range[0] + 1, label: 'orphan', at: now }
  writeFileSync(journalPath(lockDirectory, range[0]), `${JSON.stringify(take)}\n`)
  const [slice] = await listed(lockDirectory, range)
  expect(slice).toMatchObject({
    state: 'abandoned',
    ports: [{ port: range[0] + 1, state: 'quarantined', label: 'orphan', since: now }],
  })
  const { until } = slice?.ports[0] ?? {}
  expect(Date.parse(until ?? '') - Date.now()).toBeGreaterThan(20_000)
  writeFileSync(journalPath(lockDirectory, range[0]), '')
  expect(await listed(lockDirectory, range)).toEqual([])
})

test('a missing lock directory has no slices; an invalid option is refused', async () => {
  await expect(listSlices({ lockDirectory: '/nowhere/at/all' })).resolves.toBeInstanceOf(Array)
  await expect(listSlices({ lockDir: 'x' } as never)).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
  })
})

test('shows a holder in another network namespace while another program has the sentinel here', async () => {
  const range = await ownRange()
  const [first] = range
  const lockDirectory = temporaryFolder()
  const other = path.join(temporaryFolder(), 'locks')
  await using _ = await createAllocator({ range, lockDirectory: other })
  const host = `${hostIdentity().split('/')[0]}/net:[1]`
  const lease = { v: 1, event: 'lease', pid: 1, host, runner: 'unit', workerId: 1, cwd: '/' }
  const lines = [
    { ...lease, command: 'elsewhere', at: new Date().toISOString() },
    { event: 'take', port: first, label: 'api' },
  ]
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  writeFileSync(journalPath(lockDirectory, first), text)
  const holder = net.createServer().listen(livenessPath(lockDirectory, first))
  onTestFinished(() => void holder.close())
  await once(holder, 'listening')

  expect(await listed(lockDirectory, range)).toMatchObject([
    { state: 'held', holder: { command: 'elsewhere' }, ports: [{ port: first, state: 'out' }] },
  ])
})
