import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { claimPort } from '../api/claim-port.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { events, type PortsliceEvents } from './events.js'

/** Records the messages about these ports from now on, without the prefix of their names. */
function record(first: number, last: number): [name: string, message: object][] {
  const seen: [string, object][] = []
  const listener = (message: unknown, name: string | symbol) => {
    const { port, first: slice } = message as { port?: number; first?: number }
    const about = port ?? slice ?? 0
    if (about >= first && about <= last) {
      seen.push([String(name).slice('portslice:'.length), message as object])
    }
  }
  for (const name of Object.keys(NAMES)) {
    diagnostics.subscribe(name, listener)
    onTestFinished(() => void diagnostics.unsubscribe(name, listener))
  }
  return seen
}

const NAMES: Record<keyof PortsliceEvents, true> = {
  'portslice:lease': true,
  'portslice:give-back': true,
  'portslice:skip-slice': true,
  'portslice:take': true,
  'portslice:skip-port': true,
  'portslice:release': true,
  'portslice:quarantine': true,
  'portslice:claim': true,
}

test('publishes what happens to slices and ports', async () => {
  const [first, last] = await ownRange()
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const server = net.createServer().listen(first)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const seen = record(first, last)
  const allocator = await createAllocator({ range: [first, last], lockDirectory })
  const lease = await allocator.take({ label: 'api' })
  await lease.release()
  await allocator.close()
  expect(seen).toEqual([
    ['lease', { first, last, lockDirectory }],
    ['skip-port', { port: first, reason: 'in-use' }],
    ['take', { port: first + 1, label: 'api', key: undefined }],
    ['release', { port: first + 1, leaked: false }],
    ['give-back', { first, last }],
  ])
})

test('publishes slices that others hold, and claims', async () => {
  const [first, last] = await ownRange(1, { isMarked: false })
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const claim = await claimPort(last)
  const seen = record(first, last)
  const attempt = createAllocator({ range: [first, last], lockDirectory, waitTimeout: 0 })
  await expect(attempt).rejects.toMatchObject({ code: 'ERR_PORTSLICE_RANGE_EXHAUSTED' })
  expect(seen[0]).toEqual(['skip-slice', { first, last, reason: 'held' }])
  seen.length = 0
  await claim.release()
  await (await claimPort(first)).release()
  expect(seen).toEqual([
    ['release', { port: last, leaked: false }],
    ['claim', { port: first, label: undefined }],
    ['release', { port: first, leaked: false }],
  ])
})

test('without subscribers not even the message is created', () => {
  for (const each of Object.values(events)) expect(each.hasSubscribers).toBe(false)
})

test('a subscriber that throws does not keep ports from being handed out and released', async () => {
  const uncaught: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
  })
  const mistake = new Error('of a subscriber')
  const listener = () => {
    throw mistake
  }
  for (const name of Object.keys(NAMES)) {
    diagnostics.subscribe(name, listener)
    onTestFinished(() => void diagnostics.unsubscribe(name, listener))
  }
  const range = await ownRange()
  const allocator = await createAllocator({
    range,
    lockDirectory: path.join(temporaryFolder(), 'locks'),
  })
  const [one, other] = await allocator.takeMany(2)
  expect(one?.port).not.toBe(other?.port)
  expect(await one?.release()).toEqual({ leaked: false })
  await allocator.close()
  expect(allocator.slices).toEqual([])
  // Node throws them outside of our code, as uncaught exceptions of the user.
  await expect.poll(() => uncaught.length).toBeGreaterThan(3)
  expect(new Set(uncaught)).toEqual(new Set([mistake]))
})
