import { type PlaywrightTestConfig, defineConfig as playwrightDefineConfig } from '@playwright/test'
import type { AdapterOptions } from '@portslice/core/internal'
import type { AppWorkerOptions } from './app-fixtures.js'
import { warnIfFixtureIsUnused } from './warn-unused-app.js'

/** What `use` in the config takes beside Playwright's own options. */
export interface PortsliceUseOptions extends AppWorkerOptions {
  /** Options of the fixtures: `use: { portslice: { range: [20000, 29999] } }`. */
  portslice: AdapterOptions
}

/** Playwright's config, whose `use` also takes `portslice`, `app` and `apps`. */
export type PortsliceTestConfig<TestArgs = object, WorkerArgs = object> = PlaywrightTestConfig<
  TestArgs,
  WorkerArgs & PortsliceUseOptions
>

/** Calls of {@link defineConfig}, as Playwright's own has them. */
export interface PortsliceDefineConfig {
  /**
   * @param config as Playwright takes it
   * @param configs further ones, which override it
   */
  (config: PortsliceTestConfig, ...configs: PortsliceTestConfig[]): PortsliceTestConfig
  /**
   * For fixtures with options of your own.
   *
   * @param config as Playwright takes it
   * @param configs further ones, which override it
   */
  <TestArgs, WorkerArgs = object>(
    config: PortsliceTestConfig<TestArgs, WorkerArgs>,
    ...configs: PortsliceTestConfig<TestArgs, WorkerArgs>[]
  ): PortsliceTestConfig<TestArgs, WorkerArgs>
}

/**
 * Playwright's `defineConfig`, with types for `use: { portslice, app, apps }`. Warns at the end of a run if
 * `use.app` is set and no test has the fixture, because their `test` is Playwright's own.
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
