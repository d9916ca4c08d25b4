import { expect, test, vi } from 'vitest'
import { Turns } from './turns.js'

test('a process that had to wait lets others try first when it asks again at once', async () => {
  const turns = new Turns()
  let isFree = false
  const attempt = async () => (isFree ? 'served' : undefined)
  const others = () => true
  const first = turns.begin(attempt, 10_000, others)
  expect(await first()).toBeUndefined()
  isFree = true
  expect(await first()).toBe('served')
  turns.end()
  // With a short timeout it does not let others try first.
  expect(await turns.begin(attempt, 100, others)()).toBe('served')
  const next = turns.begin(attempt, 10_000, others)
  expect(await next()).toBeUndefined()
  await vi.waitFor(async () => expect(await next()).toBe('served'))
  // Three turns that succeed at the first try show that no process waits.
  for (let turn = 0; turn < 3; turn++) await turns.begin(attempt, 100, others)()
  turns.end()
  expect(await turns.begin(attempt, 10_000, others)()).toBe('served')
})

test('a process that waited only for itself does not yield', async () => {
  const turns = new Turns()
  let isFree = false
  const attempt = async () => (isFree ? 'served' : undefined)
  const first = turns.begin(attempt, 10_000, () => false)
  expect(await first()).toBeUndefined()
  isFree = true
  expect(await first()).toBe('served')
  turns.end()
  expect(await turns.begin(attempt, 10_000, () => false)()).toBe('served')
})
