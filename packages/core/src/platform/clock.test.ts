import { mock } from 'node:test'
import { expect, test, vi } from 'vitest'

/** Imports the module again. */
async function freshCopy(): Promise<typeof import('./clock.js')> {
  vi.resetModules()
  return import('./clock.js')
}

test.each(['before', 'after'])('fake timers set %s the import do not reach it', async (when) => {
  const earlier = when === 'after' ? await freshCopy() : undefined
  vi.useFakeTimers({ now: 0 })
  try {
    const time = earlier ?? (await freshCopy())
    expect(Date.now()).toBe(0)
    expect(time.Date.now()).toBeGreaterThan(1e12)
    expect(new time.Date().getTime()).toBeGreaterThan(1e12)
    expect(time.hrtime.bigint()).toBeGreaterThan(process.hrtime.bigint() + 1_000_000n)
    await time.sleep(1) // Hangs on fake timers.
    await time.nextTurn()
    const deadline = time.deadlineIn(1)
    while (!deadline.expired) await time.sleep(1)
  } finally {
    vi.useRealTimers()
  }
})

test('a system time set before the import does not reach it', async () => {
  vi.setSystemTime(0)
  try {
    const time = await freshCopy()
    expect(Date.now()).toBeLessThan(1e6)
    expect(time.Date.now()).toBeGreaterThan(1e12)
  } finally {
    vi.useRealTimers()
  }
})

test('the mock timers of node:test, enabled before the import, do not reach it', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setImmediate', 'Date'], now: 0 })
  try {
    const time = await freshCopy()
    expect(Date.now()).toBe(0)
    expect(time.Date.now()).toBeGreaterThan(1e12)
    await time.sleep(1)
    await time.nextTurn()
    const timer = time.setTimeout(() => expect.unreachable(), 5).unref()
    time.clearTimeout(timer)
    await time.sleep(20)
  } finally {
    mock.timers.reset()
  }
})

test('a deadline ignores fake clocks', async () => {
  vi.useFakeTimers()
  try {
    const { deadlineIn, sleep } = await freshCopy()
    const soon = deadlineIn(10)
    const later = deadlineIn(60_000)
    expect(soon.expired).toBe(false)
    expect(deadlineIn(0).expired).toBe(true)
    vi.advanceTimersByTime(120_000)
    expect(soon.expired).toBe(false)
    await sleep(20)
    expect(soon.expired).toBe(true)
    expect(later.expired).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})
