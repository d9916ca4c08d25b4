/** Type-checks every snippet of the docs, as a user's editor does. docs-first-example.test.ts and docs-*.test.ts run them. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { JESTS, PLAYWRIGHTS, VITESTS } from '../compat/versions.ts'
import { fromTarballs, npmInstall, packAll } from '../support/installed.ts'
import { runNode } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { allSnippets, type Snippet } from '../support/snippets.ts'
import { firstOf, TEST_ALL } from '../support/test-all.ts'

const root = new URL('../../', import.meta.url)
const modules = (workspace: string) => fileURLToPath(new URL(`${workspace}/node_modules`, root))
const TSC = path.join(modules('.'), 'typescript/bin/tsc')

const SNIPPETS = allSnippets()

/** Placeholders that cannot be checked; the page explains what to write there. */
const NEWER_THAN_OLDEST = ['docs/recipes.md vitest.config.ts', 'docs/where.md around-all.test.ts']

const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-snippets-'))
const projects = new FixtureProjects(
  ['docs', 'examples/vitest-browser-server', 'examples/jest', 'examples/vite', '.'].map(
    (workspace) => modules(workspace),
  ),
)
afterAll(() => {
  projects[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 120_000)

test('the pages have snippets', () => {
  expect(SNIPPETS.length).toBeGreaterThan(40)
  expect(SNIPPETS.filter(({ declarations }) => 'server.d.ts' in declarations)).toHaveLength(1)
})

const RESOLUTIONS = {
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
}
type Resolution = keyof typeof RESOLUTIONS
type ProjectType = 'module' | 'commonjs'

const FORMS: [Resolution, ProjectType][] = [
  ['bundler', 'module'],
  ['nodenext', 'commonjs'],
  ['nodenext', 'module'],
  ['bundler', 'commonjs'],
]

/** The files of a project: a directory for each page, and another one if a page shows a file in two versions. */
function projectFiles(
  snippets: readonly Snippet[],
  resolution: Resolution,
  type: ProjectType,
): Record<string, string> {
  const files: Record<string, string> = {}
  for (const { page, file, text, declarations } of snippets) {
    const beside = Object.entries(declarations).map(([name, declared]): [string, string] => [
      path.posix.join(path.posix.dirname(file), name),
      declared,
    ])
    const all: [string, string][] = [[file, text], ...beside]
    const isTaken = (directory: string) =>
      all.some(([name, content]) => (files[`${directory}/${name}`] ?? content) !== content)
    const base = page.replaceAll(/\W/g, '-')
    let directory = base
    for (let version = 2; isTaken(directory); version++) directory = `${base}-${version}`
    for (const [name, content] of all) files[`${directory}/${name}`] = content
  }
  return {
    ...files,
    'package.json': JSON.stringify({ private: true, type }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...RESOLUTIONS[resolution],
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        types: ['node'],
        strict: true,
        allowJs: true,
        checkJs: true,
        noEmit: true,
        // Declarations of portslice are checked by another test, and those of others not at all.
        skipLibCheck: true,
      },
    }),
  }
}

test.each(firstOf(FORMS, 2))(
  'are right with the newest runners and %s, in a project of the type %s',
  async (resolution, type) => {
    const project = projects.project(projectFiles(SNIPPETS, resolution, type))
    const { status, stdout, stderr } = await runNode([TSC], { cwd: project.folder })
    expect(status, stdout + stderr).toBe(0)
  },
)

describe.runIf(TEST_ALL)('with the oldest runners', () => {
  const installed = path.join(folder, 'oldest')

  test('are right', { timeout: 600_000 }, async () => {
    const { devDependencies } = JSON.parse(
      readFileSync(new URL('docs/package.json', root), 'utf8'),
    ) as { devDependencies: Record<string, string> }
    const others = ['get-port', 'portfinder', 'detect-port', 'wait-on']
    await npmInstall(installed, {
      ...fromTarballs(await packAll(folder)),
      ...Object.fromEntries(others.map((name) => [name, devDependencies[name] as string])),
      '@jest/globals': JESTS[0],
      '@playwright/test': PLAYWRIGHTS[0],
      '@types/node': '20.19.43',
      vitest: VITESTS[0],
    })
    const snippets = SNIPPETS.filter(
      ({ page, file }) => !NEWER_THAN_OLDEST.includes(`${page} ${file}`),
    )
    expect(snippets).toHaveLength(SNIPPETS.length - NEWER_THAN_OLDEST.length)
    for (const [resolution, type] of FORMS) {
      const project = path.join(installed, `${resolution}-${type}`)
      for (const [name, text] of Object.entries(projectFiles(snippets, resolution, type))) {
        mkdirSync(path.join(project, path.dirname(name)), { recursive: true })
        writeFileSync(path.join(project, name), text)
      }
      const { status, stdout, stderr } = await runNode([TSC], { cwd: project })
      expect(status, `${resolution}, ${type}: ${stdout}${stderr}`).toBe(0)
    }
  })
})
