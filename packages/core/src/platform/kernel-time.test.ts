import { expect, test } from 'vitest'
import { elapsedSince, isComparable, type KernelTime, parseKernelTime } from './kernel-time.js'

const node = (uptime: number, monotonic: number): KernelTime => ({ clock: 'a', uptime, monotonic })
/** Bun and Deno have no monotonic clock that counts from the boot. */
const bun = (uptime: number): KernelTime => ({ clock: 'a', uptime })

test('two runtimes compare moments by the count that both have', () => {
  expect(elapsedSince(node(1000, 900), bun(4000))).toBe(3000)
  expect(elapsedSince(bun(1000), node(4000, 3900))).toBe(3000)
  expect(elapsedSince(bun(1000), bun(2500))).toBe(1500)
  expect(elapsedSince(node(1000, 900), node(9000, 1900))).toBe(1000)
})

test('moments of another boot, from the future, or without a common count are not comparable', () => {
  const now = node(5000, 4000)
  expect(isComparable({ ...now, clock: 'b' }, now)).toBe(false)
  expect(isComparable(bun(6000), now)).toBe(false)
  expect(isComparable({ clock: 'a', monotonic: 1 }, bun(5000))).toBe(false)
  expect(elapsedSince({ clock: 'a', monotonic: 1 }, bun(5000))).toBe(0)
})

test('a moment without any count is invalid', () => {
  expect(parseKernelTime({ clock: 'a' })).toBeUndefined()
  expect(parseKernelTime({ clock: 'a', uptime: 1 })).toEqual({ clock: 'a', uptime: 1 })
})
