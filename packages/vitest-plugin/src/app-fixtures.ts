import type { App, AppOptions, Apps } from '@portslice/app-server'
import type { PortAllocator } from '@portslice/core'
import { inspect, invalidOption } from '@portslice/core/internal/errors'
import type { Fixture, Use } from './fixture-type.js'
import { workerAllocator } from './worker-allocator.js'

/** Options of {@link appFixture} and {@link appsFixture}. */
export interface AppFixtureOptions {
  /**
   * The app runs until the end of the worker (`'worker'`, the default) or of the test file. With vitest's
   * default isolation these are the same.
   */
  scope?: 'worker' | 'file'
}

/**
 * A fixture for `test.extend` that starts an app on first use, and stops it at the end of its scope. The
 * start is part of the first test that uses it, so raise `testTimeout` if it takes longer.
 *
 * @param options what to start, and when it is ready
 * @param fixture how long it runs
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID; on first use, as `startApp` does
 * @example
 * const test = base.extend<{ app: App }>({ app: appFixture({ command: 'node server.js' }) })
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
 * apps: appsFixture({
 *   api: { command: 'node api.js' },
 *   web: { command: 'node web.js --api http://localhost:{API_PORT}' },
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

/** Loaded on first use, because it takes longer to load than everything else here. */
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
