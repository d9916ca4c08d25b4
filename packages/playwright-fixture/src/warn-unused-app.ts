/** Warns if the config sets `use.app`, but no test has the fixture `app`. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Names the directory in which workers create marker files. The main process sets it, and workers inherit it. */
const MARKER_DIRECTORY = 'PORTSLICE_PLAYWRIGHT_MARKS'
/** The marker file of a worker that has loaded the config: tests are running. */
const WORKER_MARKER = 'worker'
/** The marker file of a test that has our fixtures. */
const FIXTURE_MARKER = 'fixture'

/** Call when the config is read, in the main process and in each worker. */
export function warnIfFixtureIsUnused(option: 'app' | 'apps'): void {
  if (process.env.TEST_WORKER_INDEX !== undefined) createMarker(WORKER_MARKER)
  else if (process.env[MARKER_DIRECTORY] === undefined) warnAtExit(option)
}

function warnAtExit(option: 'app' | 'apps'): void {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-playwright-'))
  process.env[MARKER_DIRECTORY] = directory
  process.once('exit', () => {
    const isUnused =
      existsSync(path.join(directory, WORKER_MARKER)) &&
      !existsSync(path.join(directory, FIXTURE_MARKER))
    rmSync(directory, { recursive: true, force: true })
    if (isUnused) process.stderr.write(warningText(option))
  })
}

/** Call when a test with our fixtures starts. */
export function markFixtureUsed(): void {
  createMarker(FIXTURE_MARKER)
}

function createMarker(name: string): void {
  const directory = process.env[MARKER_DIRECTORY]
  if (directory === undefined) return
  try {
    writeFileSync(path.join(directory, name), '')
  } catch {
    // The main process has ended.
  }
}

function warningText(option: 'app' | 'apps'): string {
  return `
portslice: \`use.${option}\` is set in the Playwright config, but no test that ran has the fixture \`${option}\`, so no app was started.
Import \`test\` from '@portslice/playwright-fixture' instead of '@playwright/test' in the test files:
  sed -i.bak "s#'@playwright/test'#'@portslice/playwright-fixture'#" tests/*.spec.ts
`
}
