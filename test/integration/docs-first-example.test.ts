/** The first examples for each runner in docs/getting-started.md and docs/runners.md, in a new project with the packed packages. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BESIDE, JESTS, PLAYWRIGHTS, VITESTS } from '../compat/versions.ts'
import {
  fromTarballs,
  npmInstall,
  type PackedPackage,
  packAll,
  withDependencies,
} from '../support/installed.ts'
import { runNode } from '../support/process.ts'
import { snippet } from '../support/snippets.ts'
import { TEST_ALL } from '../support/test-all.ts'

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

const example = (file: string) => snippet('docs/getting-started.md', file)

type ProjectType = 'module' | 'commonjs'

interface Runner {
  /** Which of our packages the example imports. */
  ours: string
  others: Record<string, string>
  files: Record<string, string>
  /** A script below `node_modules`, with its arguments. */
  run: [string, ...string[]]
  byType?: Record<ProjectType, { args: string[]; env?: Record<string, string> }>
  passed: string
}

/** What the examples start; it works in projects of both types. */
const SERVER = `import('node:http').then((http) =>
  http.createServer((_, response) => response.end('hello')).listen(process.env.PORT))`

const vitest = (version: (typeof VITESTS)[number]): Runner => ({
  ours: '@portslice/vitest-plugin',
  others: { vitest: version, ...BESIDE[version] },
  files: {
    'hello.test.ts': example('hello.test.ts'),
    'app.test.ts': example('app.test.ts'),
    'server.js': SERVER,
    'vitest.config.ts': example('vitest.config.ts'),
  },
  // Its own limit of 5 s is short beside other work.
  run: ['vitest/vitest.mjs', 'run', '--testTimeout=60000'],
  passed: '2 passed',
})

const playwright = (version: string): Runner => ({
  ours: '@portslice/playwright-fixture',
  others: { '@playwright/test': version },
  files: {
    'hello.spec.ts': example('hello.spec.ts'),
    'playwright.config.ts': example('playwright.config.ts'),
    'server.js': SERVER,
  },
  run: ['@playwright/test/cli.js', 'test', '--reporter=line'],
  passed: '2 passed',
})

const jest = (version: string): Runner => ({
  ours: '@portslice/core',
  others: { jest: version, '@jest/globals': version, 'ts-jest': '29.4.12', typescript: '5.9.3' },
  files: { 'jest.test.ts': snippet('docs/runners.md', 'jest.test.ts') },
  run: ['jest/bin/jest.js'],
  byType: {
    module: {
      args: ['--preset=ts-jest/presets/default-esm'],
      env: { NODE_OPTIONS: '--experimental-vm-modules --no-warnings' },
    },
    commonjs: { args: ['--preset=ts-jest'] },
  },
  passed: '1 passed',
})

const RUNNERS: Record<string, Runner> = {
  ...Object.fromEntries(VITESTS.map((version) => [`vitest ${version}`, vitest(version)])),
  ...Object.fromEntries(PLAYWRIGHTS.map((each) => [`Playwright ${each}`, playwright(each)])),
  ...Object.fromEntries(JESTS.map((version) => [`Jest ${version}`, jest(version)])),
}

let folder: string
let packed: PackedPackage[]
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }), 120_000)
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-first-example-'))
  packed = await packAll(folder)
}, 120_000)

test.runIf(TEST_ALL).each(Object.keys(RUNNERS))(
  '%s, in an ESM and in a CommonJS project',
  async (name) => {
    const { ours, others, files, run, byType, passed } = RUNNERS[name] as Runner
    const installed = path.join(folder, name.replaceAll(/\W/g, '-'))
    await npmInstall(installed, {
      ...fromTarballs(withDependencies(packed, ours)),
      ...others,
      '@types/node': '24.19.2',
    })
    for (const type of ['module', 'commonjs'] as const) {
      const project = path.join(installed, type)
      mkdirSync(path.join(project, '.git'), { recursive: true })
      const all = {
        ...files,
        'package.json': JSON.stringify({ private: true, type }),
        'tsconfig.json': JSON.stringify({
          compilerOptions: {
            module: 'nodenext',
            target: 'es2022',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
            isolatedModules: true,
          },
        }),
      }
      for (const [file, text] of Object.entries(all)) writeFileSync(path.join(project, file), text)
      const types = await runNode([TSC, '--noEmit'], { cwd: project })
      expect(types.status, `${type}: ${types.stdout}`).toBe(0)

      const [script, ...args] = run
      const special = byType?.[type]
      const { status, stdout, stderr } = await runNode(
        [path.join(installed, 'node_modules', script), ...args, ...(special?.args ?? [])],
        {
          cwd: project,
          lockDirectory: path.join(project, 'locks'),
          env: { NO_COLOR: '1', ...special?.env },
        },
      )
      expect(status, `${type}: ${stdout}${stderr}`).toBe(0)
      expect(stdout + stderr).toContain(passed)
    }
  },
)
