import { type PlaywrightTestConfig, defineConfig as playwrightDefineConfig } from '@playwright/test'
import type { AdapterOptions } from '@portslice/core/internal'
import type { AppWorkerOptions } from './app-fixtures.js'
import { warnIfFixtureIsUnused } from './warn-unused-app.js'

/** The options that `use` in the config accepts in addition to Playwright's own. */
export interface PortsliceUseOptions extends AppWorkerOptions {
  /** Options of the fixtures: `use: { portslice: { range: [20000, 29999] } }`. */
  portslice: AdapterOptions
}

/** Playwright's config with `portslice`, `app` and `apps` in `use`. */
export type PortsliceTestConfig<TestArgs = object, WorkerArgs = object> = PlaywrightTestConfig<
  TestArgs,
  WorkerArgs & PortsliceUseOptions
>

/** The overloads of {@link defineConfig}, the same as those of Playwright's own. */
export interface PortsliceDefineConfig {
  /**
   * @param config the same as for Playwright
   * @param configs further configs, which override it
   */
  (config: PortsliceTestConfig, ...configs: PortsliceTestConfig[]): PortsliceTestConfig
  /**
   * For fixtures with options of your own.
   *
   * @param config the same as for Playwright
   * @param configs further configs, which override it
   */
  <TestArgs, WorkerArgs = object>(
    config: PortsliceTestConfig<TestArgs, WorkerArgs>,
    ...configs: PortsliceTestConfig<TestArgs, WorkerArgs>[]
  ): PortsliceTestConfig<TestArgs, WorkerArgs>
}

/**
 * Playwright's `defineConfig`, with types for `use: { portslice, app, apps }`. Warns at the end of a run if
 * `use.app` is set, but all tests import Playwright's own `test`, which lacks the fixture.
 *
 * @example
 * export default defineConfig({ use: { app: { command: 'node server.js' } } })
 */
export const defineConfig = ((...configs: [PortsliceTestConfig, ...PortsliceTestConfig[]]) => {
  const merged = playwrightDefineConfig(...configs)
  const { app, apps } = (merged.use ?? {}) as Partial<AppWorkerOptions>
  if (app !== undefined) warnIfFixtureIsUnused('app')
  else if (apps !== undefined) warnIfFixtureIsUnused('apps')
  return merged
}) as PortsliceDefineConfig
