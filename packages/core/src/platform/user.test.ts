import { expect, test } from 'vitest'
import { outerUid, userIdentity } from './user.js'

test('is the uid in the first user namespace', () => {
  expect(outerUid(1000, '         0          0 4294967295\n')).toBe(1000)
  expect(outerUid(1000, '')).toBe(1000)
  expect(userIdentity()).toMatch(/^[\w.-]+$/)
})

test('in a user namespace, is the uid outside of it', () => {
  // Podman without root: root is the user, the others are his subordinate uids.
  const map = '         0       1500          1\n         1     100000      65536\n'
  expect(outerUid(0, map)).toBe(1500)
  expect(outerUid(1, map)).toBe(100_000)
  expect(outerUid(1000, map)).toBe(100_999)
  expect(outerUid(70_000, map)).toBe(70_000)
})
