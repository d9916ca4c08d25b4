import type { App, AppOptions, Apps } from '@portslice/app-server'
import type { PortAllocator } from '@portslice/core'
import { inspect, invalidOption } from '@portslice/core/internal/errors'
import type { Fixture, Use } from './fixture.js'
import { workerAllocator } from './worker-allocator.js'

/** Options of {@link appFixture} and {@link appsFixture}. */
export interface AppFixtureOptions {
  /**
   * How long the app runs: as long as the worker (`'worker'`, the default), or as a test file.
   * By default each file has its own worker in vitest, so that this is the same.
   */
  scope?: 'worker' | 'file'
}

/**
 * A fixture for `test.extend` that starts an app on first use, and stops it at the end of its
 * scope. The start is part of the first test that uses it, so raise `testTimeout` if it takes
 * longer than that.
 *
 * @param options what to start, and when it is ready
 * @param fixture how long it runs
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID; on first use, as `startApp` does
 * @example
 * const test = base.extend<{ app: App }>({ app: appFixture({ command: 'node server.js' }) })
 * test('answers', async ({ app }) => {
 *   expect((await fetch(app.url)).status).toBe(200)
 * })
 */
export function appFixture(options: AppOptions, { scope = 'worker' }: AppFixtureOptions = {}) {
  return defineFixture<App>(scope, async (allocator) => {
    const { startApp } = await loadAppServer()
    return startApp(options, { allocator })
  })
}

/**
 * Like {@link appFixture}, for several apps that know each other's ports; see `startApps`.
 *
 * @param options what to start, by name
 * @param fixture how long they run
 * @throws as `appFixture` does
 * @example
 * const test = base.extend<{ apps: Apps<'api' | 'web'> }>({
 *   apps: appsFixture({
 *     api: { command: 'node api.js' },
 *     web: { command: 'node web.js --api http://localhost:{API_PORT}' },
 *   }),
 * })
 */
export function appsFixture<Name extends string>(
  options: Readonly<Record<Name, AppOptions>>,
  { scope = 'worker' }: AppFixtureOptions = {},
) {
  return defineFixture<Apps<Name>>(scope, async (allocator) => {
    const { startApps } = await loadAppServer()
    return startApps(options, { allocator })
  })
}

/** Loaded only by tests that start apps, because it takes longer than all that a port needs. */
function loadAppServer() {
  return import('@portslice/app-server')
}

function defineFixture<T extends AsyncDisposable>(
  scope: 'worker' | 'file',
  start: (allocator: PortAllocator) => Promise<T>,
): Fixture<T> {
  if (scope !== 'worker' && scope !== 'file') {
    throw invalidOption(
      `The option \`scope\` is ${inspect(scope)}.`,
      scope,
      "Give one of 'worker', 'file'.",
    )
  }
  const scoped = [
    async ({}: object, use: Use<T>) => {
      await using started = await start(await workerAllocator())
      await use(started)
    },
    { scope },
  ]
  return scoped as unknown as Fixture<T>
}
