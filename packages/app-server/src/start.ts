/** Starts apps on ports that nobody else has. */
import { type PortAllocator, type PortLease, PortsliceError } from '@portslice/core'
import { inspect, sharedAllocator } from '@portslice/core/internal'
import type { App, Apps } from './app.js'
import { refuseInsideWatchdog } from './inside-watchdog.js'
import type { AppPlan } from './launch.js'
import { type AppOptions, checkAppOptions, checkContext, type StartContext } from './options.js'
import { variablesOf, withPorts } from './placeholders.js'
import { RunningApp } from './running-app.js'
import { commandLine, stillTaken } from './start-error.js'

/** How often to try other ports when a program that never asks was quicker to bind one. */
const RETRIES = 3
/** The longest label that a port may have. */
const LONGEST_LABEL = 1000

/**
 * Starts an app on a port that nobody else has, and waits until it is ready. The port is its
 * own until `stop()` has ended its whole process tree. Should this process die, however it
 * dies, the tree is ended all the same.
 *
 * When a program that never asks has taken the port meanwhile, the app is started again with
 * another one, up to three times.
 *
 * Nothing of it keeps this process alive.
 *
 * @param options what to start, and when it is ready
 * @param context where the ports come from, and when to give up
 * @throws PortsliceError ERR_PORTSLICE_APP_START when the app ends before it is ready, is not
 *   ready in time or cannot be started; …_OPTION_INVALID; as `PortAllocator.take` does
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
 * Starts several apps that know each other's ports: each has its own in `$PORT`, and those of
 * all in `$WEB_PORT`, `$API_PORT` and so on. One after the other, in the order in which they
 * stand, each when the one before is ready.
 *
 * @param apps what to start, by name; names are letters, digits, `-` and `_`
 * @param context where the ports come from, and when to give up
 * @throws PortsliceError as {@link startApp} does
 * @example
 * await using apps = await startApps({
 *   api: { command: 'node api.js', ready: '/health' },
 *   web: { command: 'vite --port {PORT} --strictPort', env: { VITE_API: 'http://localhost:{API_PORT}' } },
 * })
 * const page = await fetch(apps.web.url)
 */
export async function startApps<Name extends string>(
  apps: Readonly<Record<Name, AppOptions>>,
  context: StartContext = {},
): Promise<Apps<Name>> {
  const named = Object.entries(checkedApps(apps)) as [Name, AppOptions][]
  for (const [, options] of named) checkAppOptions(options)
  const started = await startAll(
    named.map(([name, options]) => ({ name, options })),
    context,
  )
  const byName = Object.fromEntries(named.map(([name], i) => [name, started[i] as App]))
  return {
    ...(byName as unknown as Record<Name, App>),
    async [Symbol.asyncDispose]() {
      for (const app of started.toReversed()) await app.stop()
    },
  }
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID */
function checkedApps(apps: unknown): object {
  if (typeof apps === 'object' && apps !== null && Object.keys(apps).length > 0) return apps
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `There are no apps in ${inspect(apps)}.`,
    {
      value: apps,
      advice:
        "Give an object with a name for each app, such as `{ web: { command: 'node web.js' } }`.",
    },
  )
}

interface Wanted {
  /** Its name among several. */
  name: string | undefined
  options: AppOptions
}

/** The ports of one app: the one named `undefined` is its own. */
type Leases = Map<string | undefined, PortLease>

async function startAll(wanted: readonly Wanted[], context: StartContext): Promise<RunningApp[]> {
  refuseInsideWatchdog()
  checkContext(context)
  checkPlaceholders(wanted)
  const allocator = context.allocator ?? (await sharedAllocator())
  const leased = new Map<Wanted, Leases>()
  /** Kept until the end, so that none of them is tried again. */
  const failed: PortLease[] = []
  const giveBack = (leases: readonly PortLease[]) =>
    Promise.all(leases.map((each) => each.release()))
  for (let retries = RETRIES; ; retries--) {
    const started: RunningApp[] = []
    try {
      for (const each of wanted) {
        if (!leased.has(each)) leased.set(each, await leasePorts(each, allocator, context.signal))
      }
      for (const each of wanted) {
        const app = new RunningApp(planOf(each, leased))
        started.push(app)
        const outcome = await app.start(context.signal)
        if (outcome.is === 'failed') throw outcome.reason
        if (outcome.is === 'port taken') throw new PortTaken(outcome.reason, app.port)
      }
      await giveBack(failed)
      return started
    } catch (error) {
      // All of them: those that are up have been told of a port that changes. Where one cannot
      // be ended, the ports stay leased.
      await endAll(started, error)
      if (error instanceof PortTaken && retries > 0) {
        const unlucky = wanted[started.length - 1] as Wanted
        failed.push(...portsOf(leased, unlucky))
        leased.delete(unlucky)
      } else {
        await giveBack([...failed, ...wanted.flatMap((each) => portsOf(leased, each))])
        if (!(error instanceof PortTaken)) throw error
        throw stillTaken(error.reason, [...failed.map(({ port }) => port), error.port])
      }
    }
  }
}

/** A start that failed because another program was quicker to bind the port: worth another try. */
class PortTaken extends Error {
  readonly reason: PortsliceError
  readonly port: number

  constructor(reason: PortsliceError, port: number) {
    super(reason.message)
    this.reason = reason
    this.port = port
  }
}

/**
 * All of them, though one cannot be ended.
 *
 * @throws PortsliceError ERR_PORTSLICE_APP_STOP, caused by what they are ended for
 */
async function endAll(apps: readonly RunningApp[], cause: unknown): Promise<void> {
  const ends = await Promise.allSettled(apps.toReversed().map((app) => app.end()))
  for (const end of ends) {
    if (end.status === 'rejected') throw Object.assign(end.reason as Error, { cause })
  }
}

async function leasePorts(
  { name, options }: Wanted,
  allocator: PortAllocator,
  signal: AbortSignal | undefined,
): Promise<Leases> {
  const { ports = [] } = options
  const label = name ?? commandLine(options)
  const labels = [label, ...ports.map((port) => `${label}: ${port}`)]
  const leases: PortLease[] = []
  try {
    for (const each of labels) {
      const take = { label: each.slice(0, LONGEST_LABEL), ...(signal && { signal }) }
      leases.push(await allocator.take(take))
    }
  } catch (error) {
    await Promise.all(leases.map((lease) => lease.release()))
    throw error
  }
  return new Map([undefined, ...ports].map((port, i) => [port, leases[i] as PortLease]))
}

function portsOf(leased: ReadonlyMap<Wanted, Leases>, wanted: Wanted): PortLease[] {
  return [...(leased.get(wanted)?.values() ?? [])]
}

/** What one app is told: its own port, and those of all by their names. */
function planOf(wanted: Wanted, leased: ReadonlyMap<Wanted, Leases>): AppPlan {
  const own = leased.get(wanted) as Leases
  const further = new Map(own) as Map<string, PortLease> & Leases
  further.delete(undefined)
  const lease = own.get(undefined) as PortLease
  const named = [...leased].flatMap(([{ name }, leases]) =>
    [...leases].flatMap(([port, { port: number }]) => {
      const known = port ?? name
      return known === undefined ? [] : [[known, String(number)] as const]
    }),
  )
  const variables = variablesOf(named.map(([name]) => name))
  return {
    ...wanted,
    lease,
    further,
    variables: {
      PORT: String(lease.port),
      ...Object.fromEntries(variables.map((variable, i) => [variable, named[i]?.[1] as string])),
    },
  }
}

/**
 * Before anything is leased or started.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 */
function checkPlaceholders(wanted: readonly Wanted[]): void {
  const names = wanted.flatMap(({ name, options }) => [
    ...(name === undefined ? [] : [name]),
    ...(options.ports ?? []),
  ])
  const variables = Object.fromEntries(['PORT', ...variablesOf(names)].map((each) => [each, '1']))
  for (const { options } of wanted) {
    const { command, env = {}, ready } = options
    const texts = [command, Object.values(env), ready].flat()
    for (const text of texts) if (typeof text === 'string') withPorts(text, variables)
    if (typeof ready === 'string') checkUrl(withPorts(ready, variables))
  }
}

function checkUrl(text: string): void {
  if (URL.canParse(text, 'http://localhost:1')) return
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `The option \`ready\` is ${inspect(text)}, which is no URL.`,
    { value: text, advice: "Give a path such as '/health', or a whole URL." },
  )
}
