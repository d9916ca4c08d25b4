import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { ensureLockDirectory } from './lock-directory.js'

const refused = (why: string) =>
  expect.objectContaining({
    code: 'ERR_PORTSLICE_LOCK_DIRECTORY',
    message: expect.stringContaining(why),
    advice: expect.stringContaining('$PORTSLICE_LOCK_DIR'),
  })

test.each(['022', '027'])(
  'is created for its owner only, and its parents with the umask %s',
  (text) => {
    const umask = Number.parseInt(text, 8)
    const top = temporaryFolder()
    const directory = path.join(top, 'a', 'b', 'locks')
    const before = process.umask(umask)
    onTestFinished(() => void process.umask(before))
    ensureLockDirectory(directory)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const parent of ['a', 'a/b']) {
      expect(statSync(path.join(top, parent)).mode & 0o777).toBe(0o777 & ~umask)
    }
    ensureLockDirectory(directory)
  },
)

test('a symbolic link is refused, and nothing is written through it', () => {
  const folder = temporaryFolder()
  const [target, link] = [path.join(folder, 'target'), path.join(folder, 'link')]
  mkdirSync(target)
  symlinkSync(target, link)
  expect(() => ensureLockDirectory(link)).toThrow(refused('symbolic link'))
  symlinkSync(path.join(folder, 'nowhere'), path.join(folder, 'dangling'))
  expect(() => ensureLockDirectory(path.join(folder, 'dangling'))).toThrow(refused('symbolic link'))
  expect(existsSync(path.join(folder, 'nowhere'))).toBe(false)
})

test('a file is refused', () => {
  const file = path.join(temporaryFolder(), 'file')
  writeFileSync(file, 'precious')
  expect(() => ensureLockDirectory(file)).toThrow(refused('is not a directory'))
  expect(() => ensureLockDirectory(path.join(file, 'below'))).toThrow(refused('cannot be'))
})

test('a path at which no directory can be created is refused', () => {
  const dangling = path.join(temporaryFolder(), 'dangling')
  symlinkSync('nowhere', dangling)
  expect(() => ensureLockDirectory(path.join(dangling, 'a', 'b'))).toThrow(
    refused('cannot be created'),
  )
  if (process.platform === 'linux') {
    expect(() => ensureLockDirectory('/proc/portslice/a')).toThrow(refused('cannot be created'))
  }
})

test.each([0o777, 0o770, 0o702, 0o1777])(
  'a directory of mode %o is refused and not changed',
  (mode) => {
    const folder = path.join(temporaryFolder(), 'open')
    mkdirSync(folder)
    chmodSync(folder, mode)
    expect(() => ensureLockDirectory(folder)).toThrow(refused('can be written to by other users'))
    expect(statSync(folder).mode & 0o7777).toBe(mode)
  },
)

test('a directory that others may only read is accepted', () => {
  const folder = path.join(temporaryFolder(), 'readable')
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  ensureLockDirectory(folder)
})

test.skipIf(process.getuid?.() !== 0)(
  "another user's directory is refused (needs root to try)",
  async () => {
    const { chownSync } = await import('node:fs')
    const folder = path.join(temporaryFolder(), 'theirs')
    mkdirSync(folder, { mode: 0o700 })
    chownSync(folder, 12_345, 12_345)
    expect(() => ensureLockDirectory(folder)).toThrow(refused('uid 12345'))
  },
)
