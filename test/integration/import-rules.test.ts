/** `.dependency-cruiser.cjs`, which `pnpm run lint` uses, finds imports in the wrong direction. */
import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type Outcome, runNode } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CRUISE = path.join(ROOT, 'scripts/node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')

function checkImports(folder: string, ...parts: string[]): Promise<Outcome> {
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', ...parts]
  return runNode([CRUISE, ...args], { cwd: folder, env: { NO_COLOR: '1' } })
}

/** Forbidden imports: the file, what it imports, where that leads, and the rule that forbids it. */
const MISTAKES: [file: string, specifier: string, to: string, rule: string][] = [
  ['core/src/errors.ts', './real-time-of-others.js', './real-time-of-others.js', 'not-found'],
  [
    'core/src/slice/layout.ts',
    '../options/worker.js',
    'core/src/options/worker.ts',
    'upwards-in-core',
  ],
  [
    'core/src/slice/journal.ts',
    '../allocator/lease.js',
    'core/src/allocator/lease.ts',
    'upwards-in-core',
  ],
  ['core/src/claim/obstacle.ts', '../index.js', 'core/src/index.ts', 'upwards-in-core'],
  [
    'core/src/api/listen.ts',
    '@portslice/vitest-plugin',
    'vitest-plugin/src/index.ts',
    'upwards-among-packages',
  ],
  [
    'vitest-plugin/src/project-options.ts',
    '@portslice/core/slice/journal',
    'core/src/slice/journal.ts',
    'not-an-entry',
  ],
  [
    'playwright-fixture/src/worker-allocator.ts',
    '../../app-server/src/output.js',
    'app-server/src/output.ts',
    'not-an-entry',
  ],
  [
    'playwright-fixture/src/index.ts',
    '@portslice/vitest-plugin/test',
    'vitest-plugin/src/test.ts',
    'side-by-side',
  ],
  [
    'core/src/api/take-port.ts',
    '../own-slices.test-support.js',
    'core/src/own-slices.test-support.ts',
    'no-test-helpers-in-packages',
  ],
  [
    'app-server/src/start.ts',
    '../../../test/support/intervals.ts',
    '../test/support/intervals.ts',
    'no-test-helpers-in-packages',
  ],
  ['app-server/src/output.ts', './started-process.js', 'app-server/src/output.ts', 'no-circular'],
  [
    '../test/support/intervals.ts',
    '../../packages/core/src/errors.ts',
    'core/src/errors.ts',
    'not-an-entry-for-users',
  ],
]

test.runIf(TEST_ALL)('an import that goes the wrong way is found', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-imports-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const packages = readdirSync(path.join(ROOT, 'packages')).map((name) => `packages/${name}`)
  for (const part of [
    ...packages.flatMap((each) => [`${each}/src`, `${each}/package.json`]),
    'test/support',
    '.dependency-cruiser.cjs',
    'scripts/tsconfig.dependency-cruiser.json',
  ]) {
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true })
  }
  for (const [file, specifier] of MISTAKES) {
    appendFileSync(path.join(folder, 'packages', file), `\nimport '${specifier}'\n`)
  }

  const { stdout, stderr } = await checkImports(folder, 'packages', 'test')

  const found = stdout.split('\n').map((line) => line.trim())
  for (const [file, , to, rule] of MISTAKES) {
    const [from, target] = [file, to].map((each) =>
      each.startsWith('./') ? each : path.posix.join('packages', each),
    )
    // For a cycle, it names the file that it reached first, and the other files on further lines.
    const line =
      rule === 'no-circular'
        ? `error no-circular: ${path.posix.dirname(from as string)}/`
        : `error ${rule}: ${from} → ${target}`
    expect(
      found.some((each) => each.startsWith(line)),
      `${line}\n${stdout}${stderr}`,
    ).toBe(true)
  }
})
