/** The warning if `use.app` is set, but no test uses the fixture. */
import { execFileSync } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { expectAllPassed, playwright, TEST_TIMEOUT } from '../support/playwright-run.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'

const projects = new FixtureProjects()
afterAll(() => projects[Symbol.dispose]())

const SERVER = `
  import { createServer } from 'node:http'
  createServer((_, response) => response.end('the app')).listen(process.env.PORT)`
const CONFIG = `
  import { defineConfig } from '@portslice/playwright-fixture'
  export default defineConfig({ use: { app: { command: 'node server.js' } } })`
const TEST = `
  import { expect, test, type APIRequestContext } from '@playwright/test'
  const get = async (request: APIRequestContext) => (await request.get('/')).text()
  test('answers', async ({ request, baseURL }) => {
    if (baseURL) expect(await get(request)).toBe('the app')
  })`

test.runIf(TEST_ALL)(
  '`use.app` without a test that has the fixture causes a warning, whose command fixes it',
  async () => {
    const project = projects.project({
      'playwright.config.ts': CONFIG,
      'server.js': SERVER,
      'tests/a.spec.ts': TEST,
      'tests/b.spec.ts': TEST,
    })
    const before = await playwright(project)
    expectAllPassed(before, 2)
    expect(before.stderr).toContain(
      'portslice: `use.app` is set in the Playwright config, but no test',
    )
    const command = /^ {2}(sed .*)$/m.exec(before.stderr)?.[1] as string
    execFileSync('sh', ['-c', command], { cwd: project.folder })
    const after = await playwright(project)
    expectAllPassed(after, 2)
    expect(after.stderr).not.toContain('portslice:')
    expect((await playwright(project, ['--list'])).stderr).not.toContain('portslice:')
  },
  TEST_TIMEOUT,
)
