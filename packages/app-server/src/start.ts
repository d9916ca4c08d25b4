import type { PortsliceError } from '@portslice/core'
import { inspect, invalidOption, sharedAllocator } from '@portslice/core/internal'
import type { App, Apps } from './app.js'
import {
  type AppPorts,
  type AppRequest,
  checkPlaceholders,
  leaseAppPorts,
  leasesOf,
  planApp,
} from './app-plan.js'
import { refuseInsideWatchdog } from './inside-watchdog.js'
import { type AppOptions, checkAppOptions, checkContext, type StartContext } from './options.js'
import { RunningApp } from './running-app.js'
import { stillTakenError } from './start-error.js'

/** How many other ports to try if another program binds one first. */
const MAX_RETRIES = 3

/**
 * Starts an app on a port that no other process uses, and waits until it is ready. The port stays leased
 * until `stop()` has ended the whole process tree of the app. When this process ends in any way, the tree is ended
 * as well. A running app does not keep this process alive. If a program that does not use portslice binds the
 * port first, up to three other ports are tried.
 *
 * @param options what to start, and when it is ready
 * @param context where the ports come from, and when to give up
 * @throws PortsliceError ERR_PORTSLICE_APP_START if the app exits before it is ready, is not ready in time or
 *   cannot be started; …_OPTION_INVALID; as `PortAllocator.take` does
 * @example
 * await using app = await startApp({ command: 'vite --port {PORT} --strictPort' })
 * const page = await fetch(app.url)
 */
export async function startApp(options: AppOptions, context: StartContext = {}): Promise<App> {
  checkAppOptions(options)
  const [app] = await startAll([{ name: undefined, options }], context)
  return app as RunningApp
}

/**
 * Starts several apps that know each other's ports: each gets its own in `$PORT`, and those of all in
 * `$WEB_PORT`, `$API_PORT` and so on. Each starts when the one before is ready.
 *
 * @param apps what to start, by name; names are letters, digits, `-` and `_`
 * @param context where the ports come from, and when to give up
 * @throws PortsliceError as {@link startApp} does
 * @example
 * await using apps = await startApps({
 *   api: { command: 'node api.js', ready: '/health' },
 *   web: { command: 'vite --port {PORT} --strictPort', env: { VITE_API: 'http://localhost:{API_PORT}' } },
 * })
 */
export async function startApps<Name extends string>(
  apps: Readonly<Record<Name, AppOptions>>,
  context: StartContext = {},
): Promise<Apps<Name>> {
  checkApps(apps)
  const names = Object.keys(apps) as Name[]
  for (const name of names) checkAppOptions(apps[name])
  const requests = names.map((name) => ({ name, options: apps[name] }))
  const started = await startAll(requests, context)
  const byName = Object.fromEntries(names.map((name, i) => [name, started[i]]))
  return {
    ...(byName as Record<Name, RunningApp>),
    async [Symbol.asyncDispose]() {
      for (const app of started.toReversed()) await app.stop()
    },
  }
}

function checkApps(apps: unknown): void {
  if (typeof apps === 'object' && apps !== null && Object.keys(apps).length > 0) return
  throw invalidOption(
    `There are no apps in ${inspect(apps)}.`,
    apps,
    "Give an object with a name for each app, such as `{ web: { command: 'node web.js' } }`.",
  )
}

async function startAll(
  requests: readonly AppRequest[],
  context: StartContext,
): Promise<RunningApp[]> {
  refuseInsideWatchdog()
  checkContext(context)
  checkPlaceholders(requests)
  const { allocator = await sharedAllocator(), signal } = context
  const ports = new Map<AppRequest, AppPorts>()
  /** Released at the end, so that the allocator does not return them again. */
  const takenPorts: AppPorts[] = []
  try {
    for (let retries = MAX_RETRIES; ; retries--) {
      const apps: RunningApp[] = []
      let failure: PortTaken | undefined
      try {
        const missing = requests.filter((request) => !ports.has(request))
        const leased = await leaseAppPorts(missing, allocator, signal)
        for (const [request, each] of leased) ports.set(request, each)
        failure = await startInOrder(requests, ports, apps, signal)
        if (!failure) return apps
      } catch (error) {
        await endAll(apps, error)
        await releaseAll(ports.values())
        throw error
      }
      // Running apps know the port that is replaced, so end all of them.
      await endAll(apps, failure.error)
      takenPorts.push(ports.get(failure.request) as AppPorts)
      ports.delete(failure.request)
      if (retries > 0) continue
      await releaseAll(ports.values())
      throw stillTakenError(
        failure.error,
        takenPorts.map(({ lease }) => lease.port),
      )
    }
  } finally {
    await releaseAll(takenPorts)
  }
}

interface PortTaken {
  readonly request: AppRequest
  readonly error: PortsliceError
}

/**
 * Starts each app when the one before is ready.
 *
 * @param apps receives each app before its start, so that the caller can end it
 * @returns the app whose port was taken, if any
 */
async function startInOrder(
  requests: readonly AppRequest[],
  ports: ReadonlyMap<AppRequest, AppPorts>,
  apps: RunningApp[],
  signal: AbortSignal | undefined,
): Promise<PortTaken | undefined> {
  for (const request of requests) {
    const app = new RunningApp(planApp(request, ports))
    apps.push(app)
    const result = await app.start(signal)
    if (result.status === 'failed') throw result.error
    if (result.status === 'port-taken') return { request, error: result.error }
  }
  return undefined
}

/** Ends the last app first. @throws if an app cannot be ended: then the caller must keep all ports leased */
async function endAll(apps: readonly RunningApp[], cause: unknown): Promise<void> {
  const ends = await Promise.allSettled(apps.toReversed().map((app) => app.end()))
  for (const end of ends) {
    if (end.status === 'rejected') throw Object.assign(end.reason as Error, { cause })
  }
}

async function releaseAll(ports: Iterable<AppPorts>): Promise<void> {
  await Promise.all([...ports].flatMap(leasesOf).map((lease) => lease.release()))
}
