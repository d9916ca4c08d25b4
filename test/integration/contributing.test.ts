/** CONTRIBUTING.md and RELEASING.md name what is there. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(`${ROOT}${name}`, 'utf8')
const CONTRIBUTING = read('CONTRIBUTING.md')
const PAGES = CONTRIBUTING + read('RELEASING.md')

/** Where a path may begin. What is in core is named without it. */
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

test('their files and folders are there', () => {
  const inText = [...PAGES.matchAll(/`([\w.@/-]+(?:\/|\.(?:ts|js|json|yml|md)))`/g)]
  const inBlocks = [...PAGES.matchAll(/(?<=^|\s)([\w-]+\/[\w./-]+\.ts)\b/gm)]
  const named = [...inText, ...inBlocks].map(([, name]) => name as string)
  expect(named.length).toBeGreaterThan(40)
  const missing = named.filter((name) => !BASES.some((base) => existsSync(`${ROOT}${base}${name}`)))
  // Of any package.
  const OF_ANY = ['dist/', 'src/test.ts', 'src/index.ts']
  expect(missing.filter((name) => !OF_ANY.includes(name))).toEqual([])
})

test('their scripts are there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...PAGES.matchAll(/pnpm(?:@12)? run ([\w:]+(?: \| [\w:]+)*)/g)].flatMap(
    ([, names]) => (names as string).split(' | '),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})
