import { existsSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { sleep } from '../platform/clock.js'
import { type LockOptions, takeLock } from './lock.js'
import { lockPath } from './lock-directory.js'

/** proper-lockfile refreshes its locks every 5 s. */
const SURELY_REFRESHED = 7000

const SLICE = 20_000

function lockOf(folder: string, options: Partial<LockOptions>): LockOptions {
  return {
    folder,
    slice: SLICE,
    host: 'this boot/net:[1]',
    onMade: () => {},
    onRefreshed: () => {},
    onTrouble: () => {},
    canWait: () => true,
    ...options,
  }
}

test('what replaces a lock at the moment it is made is not refreshed, so it goes stale', async () => {
  const folder = temporaryFolder()
  const path = lockPath(folder, SLICE)
  const lock = await takeLock(
    lockOf(folder, {
      onMade() {
        rmdirSync(path)
        writeFileSync(path, '')
      },
    }),
  )
  const { mtimeMs } = statSync(path)
  await lock?.release()
  await sleep(SURELY_REFRESHED)
  expect(statSync(path).mtimeMs).toBe(mtimeMs)
})

test('a lock that is held is refreshed, and removed when it is released', async () => {
  const folder = temporaryFolder()
  const path = lockPath(folder, SLICE)
  let refreshed = 0
  const lock = await takeLock(lockOf(folder, { onRefreshed: () => void refreshed++ }))
  onTestFinished(async () => lock?.release())
  const { mtimeMs } = statSync(path)
  const before = refreshed
  await sleep(SURELY_REFRESHED)
  expect(statSync(path).mtimeMs).toBeGreaterThan(mtimeMs)
  expect(refreshed).toBeGreaterThan(before)
  await lock?.release()
  expect(existsSync(path)).toBe(false)
})
