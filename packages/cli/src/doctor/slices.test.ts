import type { SliceStatus } from '@portslice/core/internal/inspect'
import { expect, test } from 'vitest'
import { describeClaims } from './claims.js'
import { freeFinding } from './slices.js'
import { trySockets } from './sockets.js'

const held = (first: number): SliceStatus => ({ first, last: first + 31, state: 'held', ports: [] })

test('a slice counts as held if the state of its holder is unknown', () => {
  const unverified: SliceStatus = { ...held(20_000), unverified: true }
  const found = freeFinding(1, 0, [unverified], [])
  expect(found.level).toBe('problem')
  expect(found.message).toContain('0 of 1 slices are free')
  expect(found.message).toContain('Whether the holder of 20000 is alive is unknown')
})

test('slices with forbidden sockets are not free', () => {
  expect(freeFinding(20, 4, [held(20_000)], []).message).toContain('15 of 20 slices are free')
})

test('a slice whose sentinel is in use counts as held, not as forbidden', async () => {
  const probe = () => ({ state: 'free' }) as const
  const hold = async () => ({ state: 'in-use' }) as const
  expect(await trySockets([20_000], { hold, probe })).toMatchObject({
    held: [20_000],
    refused: [],
    finding: { level: 'ok', message: expect.stringContaining('no socket was tried') },
  })
})

test('connections to the server on a claimed port are not reported', () => {
  const claim = { port: 8080, pid: 7, cwd: '/x', command: 'make', since: '', listening: true }
  const connection = { kind: 'connection', address: '127.0.0.1', owners: [] } as const
  const listener = { kind: 'listener', address: '127.0.0.1', owners: [] } as const
  expect(describeClaims([claim], [[{ ...connection, owners: [] }]])?.level).toBe('note')
  const both = [
    { ...connection, owners: [] },
    { ...listener, owners: [] },
  ]
  expect(describeClaims([claim], [both])).toBeUndefined()
  expect(describeClaims([claim], [undefined])?.message).toContain('is unknown')
})
