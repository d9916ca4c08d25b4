/** The snippets of docs/recipes.md for Playwright and vitest, run as they stand there, twice at the same time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch } from '../support/chromium.ts'
import { type Outcome, runNode } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { snippet } from '../support/snippets.ts'

const BROWSER_MODE = fileURLToPath(
  new URL('../../examples/vitest-browser-server/node_modules', import.meta.url),
)

const recipe = (file: string) => snippet('docs/recipes.md', file)

/** Asserts that both runs passed, and gives the ports that they told. */
function portsTold(outcomes: Outcome[]): (string | undefined)[] {
  return outcomes.map(({ status, stdout, stderr }) => {
    expect(status, stdout + stderr).toBe(0)
    return /served on (\d+)/.exec(stdout)?.[1]
  })
}

test.each([
  ['playwright.config.ts', 'module'],
  ['playwright.config.ts', 'commonjs'],
  ['playwright.config.mts', 'commonjs'],
])("Playwright's webServer, by %s in a project of the type %s", async (config, type) => {
  using projects = new FixtureProjects()
  const project = projects.project({
    'package.json': JSON.stringify({ type }),
    [config]: recipe(config),
    'server.js': `import('node:http').then((http) =>
      http.createServer((_, response) => response.end('web')).listen(Number(process.argv[3])))`,
    'web.spec.ts': `
      import { expect, test } from '@playwright/test'
      test('reaches the server', async ({ baseURL, request }) => {
        expect(await (await request.get('/')).text()).toBe('web')
        console.log('served on ' + new URL(baseURL!).port)
      })`,
  })
  const [one, other] = portsTold(
    await Promise.all(
      ['one', 'other'].map((run) => project.playwright(['--reporter=line', `--output=${run}`])),
    ),
  )
  expect(one).toBeDefined()
  expect(other).toBeDefined()
  expect(one).not.toBe(other)
})

test.each(['module', 'commonjs'])(
  "vitest's browser mode, in a project of the type %s",
  async (type) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-recipes-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    const LAUNCH_OPTIONS = JSON.stringify(await chromiumLaunch())
    const run = async (name: string) => {
      const project = path.join(folder, name)
      mkdirSync(project)
      symlinkSync(BROWSER_MODE, path.join(project, 'node_modules'), 'dir')
      writeFileSync(path.join(project, 'package.json'), JSON.stringify({ type }))
      writeFileSync(path.join(project, 'recipe.ts'), recipe('vitest.config.ts'))
      // Both have one node_modules, where two runs at once would write the same cache.
      writeFileSync(
        path.join(project, 'vitest.config.ts'),
        `import { mergeConfig } from 'vitest/config'
       import recipe from './recipe.ts'
       export default async () => mergeConfig(await recipe, { cacheDir: '.vite' })`,
      )
      writeFileSync(
        path.join(project, 'where.test.js'),
        `import { test } from 'vitest'
       test('is told', () => console.log('served on ' + location.port))`,
      )
      return runNode(['node_modules/vitest/vitest.mjs', 'run'], {
        cwd: project,
        lockDirectory: path.join(folder, 'locks'),
        env: { LAUNCH_OPTIONS, NO_COLOR: '1' },
      })
    }
    const told = portsTold(await Promise.all([run('one'), run('other')]))
    const taken = told.map((port) => {
      const first = Number(port) & ~31
      return readFileSync(path.join(folder, 'locks', `slice-${first}.ndjson`), 'utf8')
    })
    for (const [i, journal] of taken.entries()) {
      expect(journal).toContain(`"port":${told[i]},"label":"browser"`)
    }
    expect(told[0]).not.toBe(told[1])
  },
)
