import { chmodSync, chownSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { defaultLockDirectory, resolveLockDirectory } from './resolve-lock-directory.js'

beforeEach(() => {
  vi.stubEnv('PORTSLICE_LOCK_DIR', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** Changes to a new directory until the test ends. */
function workInTemporaryFolder(): string {
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  process.chdir(temporaryFolder())
  return process.cwd()
}

test('an option comes before $PORTSLICE_LOCK_DIR, and that before the directory for temporary files', () => {
  expect(resolveLockDirectory(undefined)).toMatch(/portslice-\w+$/)
  vi.stubEnv('PORTSLICE_LOCK_DIR', '/variable')
  expect(resolveLockDirectory(undefined)).toBe(path.resolve('/variable'))
  expect(resolveLockDirectory('/option')).toBe(path.resolve('/option'))
})

test('is absolute and has no slash at the end, which would follow a link', () => {
  const cwd = workInTemporaryFolder()
  expect(resolveLockDirectory('a/../locks/')).toBe(path.join(cwd, 'locks'))
  vi.stubEnv('PORTSLICE_LOCK_DIR', '/locks/./')
  expect(resolveLockDirectory(undefined)).toBe(path.resolve('/locks'))
})

test.each(['PORTSLICE_LOCK_DIR', 'TMPDIR'])(
  'a relative $%s names the same directory after chdir',
  (variable) => {
    const cwd = workInTemporaryFolder()
    const name = path.basename(cwd) // No other test has resolved this name.
    vi.stubEnv(variable, name)
    const before = resolveLockDirectory(undefined)
    expect(before?.startsWith(path.join(cwd, name))).toBe(true)
    mkdirSync('elsewhere')
    process.chdir('elsewhere')
    expect(resolveLockDirectory(undefined)).toBe(before)
  },
)

test('false, and none in the variable, mean without files; ./none is a directory', () => {
  const cwd = workInTemporaryFolder()
  expect(resolveLockDirectory(false)).toBeUndefined()
  expect(resolveLockDirectory('none')).toBe(path.join(cwd, 'none'))
  vi.stubEnv('PORTSLICE_LOCK_DIR', 'none')
  expect(resolveLockDirectory(undefined)).toBeUndefined()
  expect(resolveLockDirectory('/option')).toBe(path.resolve('/option'))
  vi.stubEnv('PORTSLICE_LOCK_DIR', './none')
  expect(resolveLockDirectory(undefined)).toBe(path.join(cwd, 'none'))
})

describe('the default', () => {
  const first = (parent: string) => defaultLockDirectory(parent)

  test.each([
    ['a file', (at: string) => writeFileSync(at, '')],
    ['a symbolic link', (at: string) => symlinkSync('/', at)],
    ['a dangling link', (at: string) => symlinkSync('nowhere', at)],
    [
      'a directory that all may write to',
      (at: string) => {
        mkdirSync(at)
        chmodSync(at, 0o777)
      },
    ],
  ])('%s in its place is not in the way', (_, plant) => {
    const parent = temporaryFolder()
    const name = first(parent)
    plant(name)
    expect(first(parent)).toBe(`${name}-2`)
    plant(`${name}-2`)
    expect(first(parent)).toBe(`${name}-3`)
  })

  test.skipIf(process.getuid?.() !== 0)(
    "another user's directory in its place is not in the way (needs root to try)",
    () => {
      const parent = temporaryFolder()
      const name = first(parent)
      mkdirSync(name, { mode: 0o700 })
      chownSync(name, 12_345, 12_345)
      expect(first(parent)).toBe(`${name}-2`)
    },
  )

  test('the directory in use stays when an earlier name becomes free', () => {
    const parent = temporaryFolder()
    const name = first(parent)
    mkdirSync(name)
    chmodSync(name, 0o777)
    mkdirSync(first(parent), { mode: 0o700 })
    rmdirSync(name)
    expect(first(parent)).toBe(`${name}-2`)
  })

  test('with all names taken it is the first, which is then refused', () => {
    const parent = temporaryFolder()
    const name = first(parent)
    for (let i = 1; i <= 8; i++) symlinkSync('/', i === 1 ? name : `${name}-${i}`)
    expect(first(parent)).toBe(name)
  })
})
