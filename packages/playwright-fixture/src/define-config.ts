import {
  defineConfig as defineConfigOfPlaywright,
  type PlaywrightTestConfig,
} from '@playwright/test'
import type { AdapterOptions } from '@portslice/core/internal'
import type { AppWorkerOptions } from './app-fixtures.js'
import { watchForFixture } from './unused-app.js'

/** What `use` in the config takes from this package. */
export interface PortsliceUse extends AppWorkerOptions {
  /** Options of the fixtures. */
  portslice: AdapterOptions
}

/**
 * Playwright's `defineConfig`, whose `use` knows `app`, `apps` and `portslice`. It warns at the end of a
 * run if `use.app` is set and no test has the fixture, because their `test` is Playwright's own.
 *
 * @param config as for Playwright
 * @example
 * export default defineConfig({ use: { app: { command: 'node server.js' } } })
 */
export function defineConfig<TestArgs = object, WorkerArgs = object>(
  config: PlaywrightTestConfig<TestArgs, WorkerArgs & PortsliceUse>,
): PlaywrightTestConfig<TestArgs, WorkerArgs & PortsliceUse> {
  const { app, apps } = (config.use ?? {}) as Partial<AppWorkerOptions>
  if (app !== undefined) watchForFixture('app')
  else if (apps !== undefined) watchForFixture('apps')
  return defineConfigOfPlaywright<TestArgs, WorkerArgs & PortsliceUse>(config)
}
