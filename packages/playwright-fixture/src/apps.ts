/** The apps of a worker: started on first use, looked after between tests, stopped at its end. */
import type { TestInfo, WorkerInfo } from '@playwright/test'
import type { App, AppOptions, Apps } from '@portslice/app-server'
import { type AdapterOptions, PortsliceError } from '@portslice/core/internal'
import { workerAllocator } from './worker-allocator.js'

/** The apps of a worker, as a test sees them. */
export interface AppWorkerFixtures {
  /**
   * The app of this worker, with its `url`, `port` and `output()`; the last one, where `apps`
   * are set, as it may build on those before. What to start stands in the config: `use: { app: { command: 'node server.js' } }`.
   */
  app: App
  /**
   * The apps of this worker by their names, where it has several. They stand in the config:
   * `use: { apps: { api: { command: 'node api.js' }, web: { command: 'vite --port {PORT}' } } }`.
   */
  apps: Apps
}

/** The apps that `use` in the config takes. */
export interface AppWorkerOptions {
  /** One app for each worker. */
  app: AppOptions
  /** Several apps for each worker, by name; in place of `app`. */
  apps: Readonly<Record<string, AppOptions>>
}

/** The apps that run in this worker, by what a message calls them. */
type Running = Map<string, App>

/** How much of what an app printed before it crashed is attached, in characters. */
const LAST_WORDS = 20_000

type Use<T> = (value: T) => Promise<void>

/**
 * A fixture that starts an app for each worker, where the config is not the place for it.
 *
 * @param options what to start, and when it is ready
 * @throws PortsliceError when it is used, as `startApp` does
 * @example
 * test.use({ app: appFixture({ command: 'node server.js' }) })
 */
export function appFixture(options: AppOptions) {
  return [
    async ({ portslice, _runningApps }: Given, use: Use<App>, worker: WorkerInfo) => {
      await useApp(options, { portslice, _runningApps }, worker, use)
    },
    APP_FIXTURE,
  ] as [
    (given: object, use: Use<App>, worker: WorkerInfo) => Promise<void>,
    { scope: 'worker'; timeout: number },
  ]
}

/** Setting them up takes as long as it takes: apps have time limits of their own. */
const APP_FIXTURE = { scope: 'worker', timeout: 0 } as const

/** The options, in the config's `use`. The fixtures of the same names are made of them. */
export const appOptions = {
  app: [undefined, { option: true, scope: 'worker' }],
  apps: [undefined, { option: true, scope: 'worker' }],
  _runningApps: [
    async ({}: object, use: Use<Running>) => use(new Map()),
    { scope: 'worker', box: true },
  ],
} as const

/** Not `portAllocator`: a worker that starts no app is to lease nothing. */
interface Given {
  portslice: AdapterOptions
  _runningApps: Running
}

/**
 * To be added to a `test` after {@link appOptions}: there, each fixture finds the option that
 * has its name. In one object with them, what the config sets would take a fixture's place.
 */
export const appFixtures = {
  apps: [
    async (
      { apps: options, portslice, _runningApps: running }: Given & { apps?: unknown },
      use: Use<Apps>,
      worker: WorkerInfo,
    ) => {
      if (options === undefined) return use(notSet('apps') as Apps)
      const named = options as AppWorkerOptions['apps']
      const allocator = await workerAllocator(portslice, worker)
      const { startApps } = await appServer()
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
        apps: _, // Set up before, so that it is known whether there are any.
        portslice,
        _runningApps,
      }: Given & { app?: unknown; apps: Apps },
      use: Use<App>,
      worker: WorkerInfo,
    ) => {
      const last = [..._runningApps.values()].at(-1)
      if (last && options !== undefined) throw bothSet(options)
      if (last) return use(last)
      if (options === undefined) return use(notSet('app') as App)
      await useApp(options as AppOptions, { portslice, _runningApps }, worker, use)
    },
    APP_FIXTURE,
  ],

  baseURL: async (
    { baseURL, app }: { baseURL: string | undefined; app: App },
    use: Use<string | undefined>,
  ) => {
    await use(baseURL ?? (isNotSet(app) ? undefined : urlOf(app)))
  },

  _appsOfTest: [
    async ({ _runningApps: running }: Given, use: Use<undefined>, testInfo: TestInfo) => {
      await restartCrashed(running, testInfo)
      const printed = new Map([...running.values()].map((app) => [app, app.printed]))
      await use(undefined)
      if (testInfo.status === testInfo.expectedStatus) return
      for (const [name, app] of running) {
        // What was started by this test itself has all its output to show.
        const body = app.output(printed.get(app) ?? 0)
        if (body !== '') await attach(testInfo, `output of the app ${name}`, body)
      }
    },
    { auto: true, box: true, timeout: 0 },
  ],
} as const

/** Loaded by those who start apps: it takes longer than all that a port needs. */
function appServer() {
  return import('@portslice/app-server')
}

async function useApp(
  options: AppOptions,
  { portslice, _runningApps: running }: Given,
  worker: WorkerInfo,
  use: Use<App>,
): Promise<void> {
  const allocator = await workerAllocator(portslice, worker)
  const { startApp } = await appServer()
  await using app = await startApp(options, { allocator })
  running.set('', app)
  await use(app)
  running.clear()
}

/** What crashed during a test has shown there; the next test is to have it anew. */
async function restartCrashed(running: Running, testInfo: TestInfo): Promise<void> {
  for (const [name, app] of running) {
    if (await app.isRunning()) continue
    const title = `The app ${name}`.trim()
    await attach(testInfo, `last output of the app ${name}`, app.output().slice(-LAST_WORDS))
    await app.restart()
    testInfo.annotations.push({
      type: 'portslice',
      description: `${title} had ended before this test, and was started again on port ${app.port}.`,
    })
  }
}

async function attach(testInfo: TestInfo, name: string, body: string): Promise<void> {
  await testInfo.attach(name.trim(), { body, contentType: 'text/plain' })
}

/** An app whose option is not set: says so when it is used. */
const NOT_SET = Symbol('not set')

function notSet(option: 'app' | 'apps'): unknown {
  const example =
    option === 'app' ? "{ command: 'node server.js' }" : "{ web: { command: 'node web.js' } }"
  return new Proxy(
    { [NOT_SET]: true },
    {
      get(target, key) {
        if (typeof key === 'symbol') return Reflect.get(target, key)
        if (key === 'then') return undefined
        throw new PortsliceError(
          'ERR_PORTSLICE_OPTION_INVALID',
          `There is no \`${option}\`: nothing says what to start.`,
          {
            advice: `Set it in the Playwright config, for example \`use: { ${option}: ${example} }\`.`,
          },
        )
      },
    },
  )
}

function isNotSet(app: App): boolean {
  return NOT_SET in app
}

/** `test.use({ app: … })` puts the options where the app should be: the fixture is not asked. */
function urlOf(app: App): string {
  if (typeof app.url === 'string') return app.url
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    'The option `app` was set by `test.use`, where Playwright takes it for the app itself.',
    {
      value: app,
      advice:
        'Set it in `use` of the Playwright config, or of one of its projects; or use `test.use({ app: appFixture({ … }) })`.',
    },
  )
}

function bothSet(value: unknown): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    'The options `app` and `apps` are both set.',
    { value, advice: 'Set `app` for one app, `apps` for several.' },
  )
}
