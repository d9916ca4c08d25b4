/** For `use.app` without any test that has the fixture `app`. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A directory in which workers leave files for the main process. Inherited by the workers. */
const MARKS = 'PORTSLICE_PLAYWRIGHT_MARKS'
/** A worker has loaded the config, so tests are run. */
const WORKER = 'worker'
/** A test with our fixtures has started. */
const FIXTURE = 'fixture'

/** Call when the config is read, in the main process and in each worker. */
export function warnIfFixtureIsUnused(option: 'app' | 'apps'): void {
  if (process.env.TEST_WORKER_INDEX !== undefined) mark(WORKER)
  else if (process.env[MARKS] === undefined) warnAtExit(option)
}

function warnAtExit(option: 'app' | 'apps'): void {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-playwright-'))
  process.env[MARKS] = directory
  process.once('exit', () => {
    const isUnused =
      existsSync(path.join(directory, WORKER)) && !existsSync(path.join(directory, FIXTURE))
    rmSync(directory, { recursive: true, force: true })
    if (isUnused) process.stderr.write(warning(option))
  })
}

/** Call when a test with our fixtures starts. */
export function markFixtureUsed(): void {
  mark(FIXTURE)
}

function mark(name: string): void {
  const directory = process.env[MARKS]
  if (directory === undefined) return
  try {
    writeFileSync(path.join(directory, name), '')
  } catch {
    // The main process has ended.
  }
}

function warning(option: 'app' | 'apps'): string {
  return `
portslice: \`use.${option}\` is set in the Playwright config, but no test that ran has the fixture \`${option}\`, so no app was started.
Import \`test\` from '@portslice/playwright-fixture' instead of '@playwright/test' in the test files:
  sed -i.bak "s#'@playwright/test'#'@portslice/playwright-fixture'#" tests/*.spec.ts
`
}
