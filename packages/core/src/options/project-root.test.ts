import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { findProjectRoot } from './project-root.js'

/** Like Node's permission model for a path that is not allowed. */
const closed = { path: '' }
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  const existsSync = (path: string) => {
    if (path === closed.path)
      throw Object.assign(new Error('closed'), { code: 'ERR_ACCESS_DENIED' })
    return fs.existsSync(path)
  }
  return { ...fs, existsSync }
})

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('recognises a checkout by its .git directory, a worktree by its .git file', () => {
  const folder = temporaryFolder()
  const [checkout, worktree] = [path.join(folder, 'main'), path.join(folder, 'main/trees/one')]
  const inside = path.join(worktree, 'packages/app')
  mkdirSync(inside, { recursive: true })
  mkdirSync(path.join(checkout, '.git'))
  writeFileSync(path.join(worktree, '.git'), 'gitdir: elsewhere')
  expect(findProjectRoot(inside)).toBe(worktree)
  expect(findProjectRoot(path.join(checkout, 'trees'))).toBe(checkout)
})

test('a directory outside of checkouts is its own project root', () => {
  const folder = temporaryFolder()
  expect(findProjectRoot(folder)).toBe(folder)
})

test('skips a directory that it may not read', () => {
  const top = temporaryFolder()
  const inside = path.join(top, 'closed/app')
  mkdirSync(inside, { recursive: true })
  closed.path = path.join(top, 'closed/.git')
  mkdirSync(path.join(top, '.git'))
  expect(findProjectRoot(inside)).toBe(top)
})
