import type { TestInfo, WorkerInfo } from '@playwright/test'
import type { App, AppOptions, Apps } from '@portslice/app-server'
import type { AdapterOptions } from '@portslice/core/internal'
import { invalidOption, type PortsliceError } from '@portslice/core/internal/errors'
import { attachPorts } from './attach-ports.js'
import { type RunningApps, recordOutput, restartCrashedApps } from './running-apps.js'
import { baseUrlOf, unsetApp } from './unset-app.js'
import { markFixtureUsed } from './warn-unused-app.js'
import { workerAllocator } from './worker-allocator.js'

/** Fixtures for the apps of a worker. */
export interface AppWorkerFixtures {
  /**
   * The app of this worker. Set in the config: `use: { app: { command: 'node server.js' } }`. With `apps`, it
   * is the last one, because that may depend on the others.
   */
  app: App
  /**
   * The apps of this worker, by name. Set in the config:
   * `use: { apps: { api: { command: 'node api.js' }, web: { command: 'vite --port {PORT}' } } }`.
   */
  apps: Apps
}

/** The apps that `use` in the config takes. */
export interface AppWorkerOptions {
  /** One app for each worker. */
  app: AppOptions
  /** Several apps for each worker, by name; instead of `app`. */
  apps: Readonly<Record<string, AppOptions>>
}

type Use<T> = (value: T) => Promise<void>

/** Excludes `portAllocator`, because that leases a slice even if the worker does not start an app. */
interface BaseFixtures {
  portslice: AdapterOptions
  _runningApps: RunningApps
}

/** Turns off Playwright's timeout, because apps have their own. */
const APP_FIXTURE = { scope: 'worker', timeout: 0 } as const

/**
 * A fixture that starts an app for each worker, for test files that do not use the config.
 *
 * @param options what to start, and when it is ready
 * @throws PortsliceError when it is used, as `startApp` does
 * @example
 * test.use({ app: appFixture({ command: 'node server.js' }) })
 */
export function appFixture(options: AppOptions) {
  return [
    async ({ portslice, _runningApps }: BaseFixtures, use: Use<App>, worker: WorkerInfo) => {
      await useApp(options, { portslice, _runningApps }, use, worker)
    },
    APP_FIXTURE,
  ] as [
    (given: object, use: Use<App>, worker: WorkerInfo) => Promise<void>,
    { scope: 'worker'; timeout: number },
  ]
}

/** Options of the config. {@link appFixtures} replaces them with running apps. */
export const appOptions = {
  app: [undefined, { option: true, scope: 'worker' }],
  apps: [undefined, { option: true, scope: 'worker' }],
  _runningApps: [
    async ({}: object, use: Use<RunningApps>) => use(new Map()),
    { scope: 'worker', box: true },
  ],
} as const

/** Extend a `test` with these after {@link appOptions}: in one object, the config would overwrite the fixtures. */
export const appFixtures = {
  apps: [
    async (
      { apps: options, portslice, _runningApps: running }: BaseFixtures & { apps?: unknown },
      use: Use<Apps>,
      worker: WorkerInfo,
    ) => {
      if (options === undefined) return use(unsetApp('apps') as Apps)
      const named = options as AppWorkerOptions['apps']
      const allocator = await workerAllocator(portslice, worker)
      const { startApps } = await loadAppServer()
      await using apps = await startApps(named, { allocator })
      for (const name of Object.keys(named)) running.set(`"${name}"`, apps[name] as App)
      await use(apps)
      running.clear()
    },
    APP_FIXTURE,
  ],

  app: [
    async (
      {
        app: options,
        apps: _, // Makes Playwright start the apps first.
        portslice,
        _runningApps,
      }: BaseFixtures & { app?: unknown; apps: Apps },
      use: Use<App>,
      worker: WorkerInfo,
    ) => {
      const last = [..._runningApps.values()].at(-1)
      if (last && options !== undefined) throw bothSetError(options)
      if (last) return use(last)
      if (options === undefined) return use(unsetApp('app') as App)
      await useApp(options as AppOptions, { portslice, _runningApps }, use, worker)
    },
    APP_FIXTURE,
  ],

  baseURL: async (
    { baseURL, app }: { baseURL: string | undefined; app: App },
    use: Use<string | undefined>,
  ) => {
    await use(baseURL ?? baseUrlOf(app))
  },

  _appsOfTest: [
    async ({ _runningApps: running }: BaseFixtures, use: Use<undefined>, testInfo: TestInfo) => {
      markFixtureUsed()
      await restartCrashedApps(running, testInfo)
      const attachOutput = recordOutput(running, testInfo)
      await use(undefined)
      await attachOutput()
      if (running.size > 0) await attachPorts(testInfo, [])
    },
    { auto: true, box: true, timeout: 0 },
  ],
} as const

/** Loaded on first use, because it takes longer to load than everything else here. */
function loadAppServer() {
  return import('@portslice/app-server')
}

async function useApp(
  options: AppOptions,
  { portslice, _runningApps: running }: BaseFixtures,
  use: Use<App>,
  worker: WorkerInfo,
): Promise<void> {
  const allocator = await workerAllocator(portslice, worker)
  const { startApp } = await loadAppServer()
  await using app = await startApp(options, { allocator })
  running.set('', app)
  await use(app)
  running.clear()
}

function bothSetError(value: unknown): PortsliceError {
  return invalidOption(
    'The options `app` and `apps` are both set.',
    value,
    'Set `app` for one app, `apps` for several.',
  )
}
