/** One start of an app, from its command until it is ready, or until all of it has gone again. */
import { type PortLease, PortsliceError } from '@portslice/core'
import { deadlineIn, saysAddressInUse, sleep } from '@portslice/core/internal'
import { type ProcessTree, treeMarker } from '@portslice/process-tree'
import type { App } from './app.js'
import type { Observation } from './observe.js'
import type { AppOptions } from './options.js'
import type { Output } from './output.js'
import { type PortVariables, withPorts } from './placeholders.js'
import { type Missing, type Readiness, readiness } from './ready.js'
import {
  describe,
  endedTooSoon,
  type FailedStart,
  notReadyInTime,
  portTaken,
} from './start-error.js'
import { StartedProcess } from './started-process.js'
import { watchdog } from './watchdog-client.js'

export interface AppPlan {
  /** Its name among several. */
  name: string | undefined
  options: AppOptions
  lease: PortLease
  /** The further ports, by name. */
  further: ReadonlyMap<string, PortLease>
  /** What the app is told of ports: its own, and those of its fellows. */
  variables: PortVariables
}

export interface Launch {
  plan: AppPlan
  cwd: string
  output: Output
  /** For the user's `ready`. */
  app: App
  /** Each of them gives up. */
  signals: readonly AbortSignal[]
  /** Called when the process runs. */
  onStarted(launched: Launched): void
  /** Called when it is known by what name clients reach the app. */
  onHost(host: string): void
}

/** `port taken`: another program was quicker to bind the port, so another port is worth a try. */
export type Outcome = { is: 'ready' } | { is: 'failed' | 'port taken'; reason: PortsliceError }

const DEFAULT_START_TIMEOUT_MS = 30_000
const DEFAULT_STOP_TIMEOUT_MS = 5000
/** How often to look whether it is ready: at first often, as most apps start quickly. */
const FIRST_POLL_MS = 10
const SLOWEST_POLL_MS = 100
/** Only a machine that is overloaded needs that long. */
const MAX_WAIT_FOR_LOOK_MS = 10_000
/** A server that prints that it is ready and then fails ends within a moment. */
const CONFIRM_AFTER_MS = 50
/**
 * How long an app whose port another program listens on has to say that this is in its way.
 * Where it does not, that program works for it: servers of containers do.
 */
const GRACE_WITH_OTHERS_MS = 3000

/** The processes of one start. */
export class Launched {
  readonly process: StartedProcess
  readonly #id: string
  readonly #plan: AppPlan
  readonly #stopWatching: (() => void) | undefined

  constructor(id: string, process: StartedProcess, plan: AppPlan) {
    this.#id = id
    this.process = process
    this.#plan = plan
    keep(id, plan, process.tree)
    // The watchdog does it where there is one, and does not take the time of tests for it.
    if (!watchdog().isUsable) this.#stopWatching = process.tree.watch()
  }

  /** With what the watchdog has seen in it. */
  get tree(): ProcessTree {
    const { tree } = this.process
    tree.addKnown(watchdog().known(this.#id))
    return tree
  }

  async hasProcesses(): Promise<boolean> {
    const { exit } = this.process
    if (!exit) return true
    return exit.status === 0 && (await this.tree.processes()).length > 0
  }

  async observe(
    host: string | undefined,
    url: string | undefined,
  ): Promise<Observation | undefined> {
    return watchdog().observe(this.#id, this.process.tree, {
      port: this.#plan.lease.port,
      ...(host !== undefined && { host }),
      ...(url !== undefined && { url }),
    })
  }

  /**
   * Ends all of it.
   *
   * @throws PortsliceError ERR_PORTSLICE_APP_STOP
   */
  async end(): Promise<void> {
    const { options, name } = this.#plan
    // What the watchdog has reported meanwhile is read.
    await sleep(0)
    const left = await this.tree.end({ timeout: stopTimeoutOf(options) })
    if (left.length === 0) {
      this.#stopWatching?.()
      watchdog().forget(this.#id)
      return
    }
    const pids = left.map(({ pid }) => pid)
    throw new PortsliceError(
      'ERR_PORTSLICE_APP_STOP',
      `${describe(name, options)} could not be ended: ${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')} cannot be killed.`,
      {
        value: pids,
        advice:
          'They belong to another user, or are stuck in the system: end them by hand. Their ports stay taken until this process ends.',
      },
    )
  }
}

function stopTimeoutOf({ stopTimeout = DEFAULT_STOP_TIMEOUT_MS }: AppOptions): number {
  return stopTimeout
}

function keep(id: string, { options }: AppPlan, tree?: ProcessTree): void {
  watchdog().keep({ keep: id, known: tree?.known ?? [], timeout: stopTimeoutOf(options) })
}

/** @throws the signal's reason; PortsliceError ERR_PORTSLICE_APP_STOP */
export async function launch(launch: Launch): Promise<Outcome> {
  const { plan, cwd, output, signals } = launch
  const { options, lease, variables } = plan
  const failed: FailedStart = { ...plan, cwd, port: lease.port, output }
  const from = output.end
  // Nothing of ours runs yet: what listens there is another program.
  if (await lease.isListening()) return { is: 'port taken', reason: portTaken(failed) }
  for (const signal of signals) signal.throwIfAborted()
  const marker = treeMarker()
  // Told before there is anything to end: this process may die at any moment.
  keep(marker.id, plan)
  const started = new StartedProcess({
    command:
      typeof options.command === 'string'
        ? withPorts(options.command, variables)
        : options.command.map((each) => withPorts(each, variables)),
    cwd,
    env: environmentOf(plan),
    marker,
    output,
  })
  const launched = new Launched(marker.id, started, plan)
  launch.onStarted(launched)
  const end = await untilReady(launch, launched, from)
  if (end === 'ready') return { is: 'ready' }
  await launched.end()
  // What it said last may not have been read yet; that is known when nothing holds the pipe open.
  await started.untilRead()
  const reason = reasonFor(end, failed)
  const isTaken = end.why === 'port taken' || saysAddressInUse(output.text(from), portsOf(plan))
  return { is: isTaken ? 'port taken' : 'failed', reason }
}

/** Why it is not ready. */
type NotReady = { withoutPort?: string } & (
  | { why: 'ended' | 'port taken'; process: StartedProcess }
  | { why: 'late'; missing: Missing; timeout: number; listensOn: readonly number[] }
)

/** The message is made once all has been printed. */
function reasonFor(end: NotReady, failed: FailedStart): PortsliceError {
  const start = { ...failed, withoutPort: end.withoutPort }
  if (end.why === 'late') return notReadyInTime(start, end)
  const { exit } = end.process
  return end.why === 'ended' && exit ? endedTooSoon(start, exit) : portTaken(start)
}

async function untilReady(
  { plan, app, output, signals, onHost }: Launch,
  launched: Launched,
  from: number,
): Promise<'ready' | NotReady> {
  const { options, variables, lease } = plan
  const { startTimeout: timeout = DEFAULT_START_TIMEOUT_MS, ready } = options
  const url = typeof ready === 'string' ? withPorts(ready, variables) : undefined
  const deadline = deadlineIn(timeout)
  // A watchdog that has just been started has to come up before it can look.
  const lastDeadline = deadlineIn(timeout + MAX_WAIT_FOR_LOOK_MS)
  const { process } = launched
  let host: string | undefined
  let last: Observation | undefined
  let withoutPort: string | undefined

  const look = async () => {
    // At first without the page, which may not be answered for long.
    last = (await launched.observe(host, last && url)) ?? last
    if (last?.host !== undefined && host === undefined) {
      host = last.host
      onHost(host)
    }
    withoutPort = last?.withoutPort ?? withoutPort
    return last
  }
  const ask = async (): Promise<Readiness> => {
    const seen = await look()
    if (!seen) return { what: 'look' }
    return readiness(ready, app, seen, from)
  }
  /** What was true a moment ago may have been the last of it. */
  const isStillReady = async () => {
    const before = last?.listener
    await sleep(CONFIRM_AFTER_MS)
    const seen = await look()
    if (before !== 'none' && seen?.listener === 'none') return false
    return url === undefined || !seen || (await readiness(ready, app, seen, from)) === undefined
  }
  const told = () => ({ ...(withoutPort !== undefined && { withoutPort }) })

  let pending: Promise<{ missing: Readiness }> | undefined
  let missing: Missing = { what: 'look' }
  let graceWithOthers: { readonly expired: boolean } | undefined
  for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, SLOWEST_POLL_MS)) {
    for (const signal of signals) signal.throwIfAborted()
    if (await hasEnded(launched)) return { why: 'ended', process, ...told() }
    // A check may take its time; meanwhile the app may end, or the time be up.
    pending ??= ask().then((missing) => ({ missing }))
    const answer = await Promise.race([pending, sleep(wait)])
    if (answer) {
      pending = undefined
      missing = answer.missing ?? { what: 'stranger' }
    }
    if (answer && !answer.missing && (await isStillReady())) {
      if (await hasEnded(launched)) return { why: 'ended', process, ...told() }
      if (last?.listener !== 'others' || graceWithOthers?.expired) return 'ready'
      // A server that moves on to the next port is as little use as one that gives up.
      if (saysAddressInUse(output.text(from), [lease.port])) return { why: 'port taken', process }
      graceWithOthers ??= deadlineIn(GRACE_WITH_OTHERS_MS)
    }
    if (deadline.expired && (last || lastDeadline.expired)) {
      if (missing.what === 'look' && last) missing = unanswered(ready, url) ?? missing
      const listensOn = await launched.tree.listeningPorts()
      return { why: 'late', missing, timeout, listensOn, ...told() }
    }
    if (answer) await sleep(wait)
  }
}

/** What is asked, and has yet to answer. */
function unanswered(ready: AppOptions['ready'], url: string | undefined): Missing | undefined {
  if (typeof ready === 'function') return { what: 'function', says: 'has not answered yet' }
  return url === undefined ? undefined : { what: 'answer', answer: { url, error: 'no answer yet' } }
}

/** One that ends well and leaves others behind, as a daemon does, has not ended. */
async function hasEnded(launched: Launched): Promise<boolean> {
  return launched.process.exit !== undefined && !(await launched.hasProcesses())
}

/** All that the app may say is in use. */
function portsOf({ lease, further }: AppPlan): number[] {
  return [lease.port, ...[...further.values()].map(({ port }) => port)]
}

function environmentOf({ options, variables }: AppPlan): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...variables }
  for (const [name, value] of Object.entries(options.env ?? {})) {
    if (value !== undefined) env[name] = withPorts(value, variables)
    else if (!Object.hasOwn(variables, name)) delete env[name]
  }
  return env
}
