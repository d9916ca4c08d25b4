/** The paths and scripts that CONTRIBUTING.md and RELEASING.md name must exist. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(`${ROOT}${name}`, 'utf8')
const CONTRIBUTING = read('CONTRIBUTING.md')
const PAGES = CONTRIBUTING + read('RELEASING.md')

/** Directories that paths may be relative to. */
const BASES = [
  '',
  'packages/core/src/',
  'packages/app-server/src/',
  'packages/cli/src/',
  'test/faults/',
  'test/model/',
  'scripts/src/',
  '.github/workflows/',
]

test('their files and directories exist', () => {
  const inText = [...PAGES.matchAll(/`([\w.@/-]+(?:\/|\.(?:ts|js|json|yml|md)))`/g)]
  const inBlocks = [...PAGES.matchAll(/(?<=^|\s)([\w-]+\/[\w./-]+\.ts)\b/gm)]
  const named = [...inText, ...inBlocks].map(([, name]) => name as string)
  expect(named).not.toEqual([])
  const missing = named.filter((name) => !BASES.some((base) => existsSync(`${ROOT}${base}${name}`)))
  const IN_ANY_PACKAGE = ['dist/', 'src/test.ts', 'src/index.ts']
  expect(missing.filter((name) => !IN_ANY_PACKAGE.includes(name))).toEqual([])
})

test('their scripts exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...PAGES.matchAll(/pnpm(?:@12)? run ([\w:]+(?: \| [\w:]+)*)/g)].flatMap(
    ([, names]) => (names as string).split(' | '),
  )
  expect(named).not.toEqual([])
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})
