/** The first two snippets of docs/recipes.md, run as they stand there, twice at the same time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumLaunch } from '../support/chromium.ts'
import { type Outcome, runNode } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'

const RECIPES = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8')
const BROWSER_MODE = fileURLToPath(
  new URL('../../examples/vitest-browser-server/node_modules', import.meta.url),
)

function snippet(file: string): string {
  const found = new RegExp(`^\`\`\`ts\\n(// ${file}\\n[\\s\\S]*?)^\`\`\`$`, 'm').exec(RECIPES)
  return found?.[1] as string
}

/** Asserts that both runs passed, and gives the ports that they told. */
function portsTold(outcomes: Outcome[]): (string | undefined)[] {
  return outcomes.map(({ status, stdout, stderr }) => {
    expect(status, stdout + stderr).toBe(0)
    return /served on (\d+)/.exec(stdout)?.[1]
  })
}

test("Playwright's webServer", async () => {
  using projects = new FixtureProjects()
  const project = projects.project({
    'playwright.config.ts': snippet('playwright.config.ts'),
    'server.js': `import http from 'node:http'
      http.createServer((_, response) => response.end('web')).listen(Number(process.argv[3]))`,
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

test("vitest's browser mode", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-recipes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const LAUNCH_OPTIONS = JSON.stringify(await chromiumLaunch())
  const run = async (name: string) => {
    const project = path.join(folder, name)
    mkdirSync(project)
    symlinkSync(BROWSER_MODE, path.join(project, 'node_modules'), 'dir')
    writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }')
    writeFileSync(path.join(project, 'recipe.ts'), snippet('vitest.config.ts'))
    // Both have one node_modules, where two runs at once would write the same cache.
    writeFileSync(
      path.join(project, 'vitest.config.ts'),
      `import { mergeConfig } from 'vitest/config'
       import recipe from './recipe.ts'
       export default mergeConfig(recipe, { cacheDir: '.vite' })`,
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
})
