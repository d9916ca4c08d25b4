/** Fixtures that start apps. */
import type { App, AppOptions, Apps } from '@portslice/app-server'
import { inspect, PortsliceError, sharedAllocator } from '@portslice/core/internal'
import type { Fixture, Use } from './fixture.js'
import { settings } from './settings.js'

/** How a fixture of an app is made. */
export interface AppFixtureOptions {
  /**
   * How long the app lives: as long as the worker (`'worker'`, the default), or a test file.
   * Where each file has a worker of its own, as vitest has it by default, that is the same.
   */
  scope?: 'worker' | 'file'
}

/**
 * A fixture for `test.extend` that starts an app on first use, and stops it at the end of its
 * scope. The start counts as part of the first test that uses it: raise `testTimeout` where it
 * takes longer than that.
 *
 * @param options what to start, and when it is ready
 * @param fixture how long it lives
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID; when it is used, as `startApp` does
 * @example
 * const test = base.extend<{ app: App }>({ app: appFixture({ command: 'node server.js' }) })
 * test('answers', async ({ app }) => {
 *   expect((await fetch(app.url)).status).toBe(200)
 * })
 */
export function appFixture(options: AppOptions, { scope = 'worker' }: AppFixtureOptions = {}) {
  return fixture<App>(scope, async (allocator) => {
    const { startApp } = await appServer()
    return startApp(options, { allocator })
  })
}

/**
 * As {@link appFixture}, for several apps that know each other's ports; see `startApps`.
 *
 * @param options what to start, by name
 * @param fixture how long they live
 * @throws as `appFixture`
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
  return fixture<Apps<Name>>(scope, async (allocator) => {
    const { startApps } = await appServer()
    return startApps(options, { allocator })
  })
}

/** Loaded by those who start apps: it takes longer than all that a port needs. */
function appServer() {
  return import('@portslice/app-server')
}

function fixture<T extends AsyncDisposable>(
  scope: 'worker' | 'file',
  start: (allocator: Awaited<ReturnType<typeof sharedAllocator>>) => Promise<T>,
): Fixture<T> {
  if (scope !== 'worker' && scope !== 'file') {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `The option \`scope\` is ${inspect(scope)}.`,
      { value: scope, advice: "Give one of 'worker', 'file'." },
    )
  }
  const scoped = [
    async ({}: object, use: Use<T>) => {
      await using started = await start(await sharedAllocator(settings().allocator))
      await use(started)
    },
    { scope },
  ]
  return scoped as unknown as Fixture<T>
}
