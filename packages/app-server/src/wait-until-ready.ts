import { deadlineIn, reportsAddressInUse, sleep } from '@portslice/core/internal'
import type { App } from './app.js'
import type { AppPlan } from './app-plan.js'
import type { AppProcesses } from './app-processes.js'
import type { Observation } from './observe.js'
import { replacePortPlaceholders } from './placeholders.js'
import { checkReadiness, type Missing, type NotReady } from './readiness.js'
import type { Exit } from './started-process.js'

const DEFAULT_START_TIMEOUT_MS = 30_000
const MIN_POLL_INTERVAL_MS = 10
const MAX_POLL_INTERVAL_MS = 100
/** How long the first answer of a new watchdog may take on an overloaded machine. */
const MAX_WATCHDOG_DELAY_MS = 10_000
/** A server that fails after it has printed that it is ready exits within this time. */
const CONFIRM_AFTER_MS = 50
/** How long an app may take to report that its port is in use. After that, the listener counts as part of the app. */
const FOREIGN_LISTENER_GRACE_MS = 3000

/** An app whose processes were started. */
export interface PendingStart {
  readonly plan: AppPlan
  readonly processes: AppProcesses
  readonly app: App
  readonly outputStart: number
  readonly signals: readonly AbortSignal[]
}

/**
 * Waits until the app is ready or has failed.
 *
 * @returns `undefined` if it is ready
 * @throws the reason of a signal
 */
export async function waitUntilReady(start: PendingStart): Promise<NotReady | undefined> {
  const { plan, processes, app, outputStart, signals } = start
  const { startTimeout: timeoutMs = DEFAULT_START_TIMEOUT_MS } = plan.options
  const check = new ReadinessCheck(start)
  const deadline = deadlineIn(timeoutMs)
  const watchdogDeadline = deadlineIn(timeoutMs + MAX_WATCHDOG_DELAY_MS)
  let pending: Promise<{ missing: Missing | undefined }> | undefined
  let missing: Missing = { what: 'observation' }
  let foreignListenerGrace: { readonly expired: boolean } | undefined
  for (let delay = MIN_POLL_INTERVAL_MS; ; delay = Math.min(delay * 2, MAX_POLL_INTERVAL_MS)) {
    for (const signal of signals) signal.throwIfAborted()
    const { withoutPort } = check
    const exit = await exitOf(processes)
    if (exit) return { reason: 'ended', exit, withoutPort }
    // Not just `await check.run()`: during a check, the app may exit or the time may run out.
    pending ??= check.run().then((missing) => ({ missing }))
    const result = await Promise.race([pending, sleep(delay)])
    if (result) {
      pending = undefined
      // The reason in the timeout error if the app is ready, but is not accepted below.
      missing = result.missing ?? { what: 'foreign listener' }
    }
    if (result && !result.missing && (await check.confirm())) {
      const exit = await exitOf(processes)
      if (exit) return { reason: 'ended', exit, withoutPort: check.withoutPort }
      if (check.last?.listener !== 'others' || foreignListenerGrace?.expired) return undefined
      // Some servers report it and then use another port.
      if (reportsAddressInUse(app.output(outputStart), [plan.lease.port])) {
        return { reason: 'port-taken', withoutPort: undefined }
      }
      foreignListenerGrace ??= deadlineIn(FOREIGN_LISTENER_GRACE_MS)
    }
    if (deadline.expired && (check.last || watchdogDeadline.expired)) {
      if (missing.what === 'observation' && check.last) missing = check.unanswered ?? missing
      const listensOn = await processes.tree.listeningPorts()
      return { reason: 'timeout', timeoutMs, missing, listensOn, withoutPort: check.withoutPort }
    }
    if (result) await sleep(delay)
  }
}

/** `undefined` while the app runs. The first process of a daemon exits with 0 while the app runs. */
async function exitOf(processes: AppProcesses): Promise<Exit | undefined> {
  const { exit } = processes.root
  return exit && !(await processes.areRunning()) ? exit : undefined
}

/** Observes the app and checks the option `ready`. */
class ReadinessCheck {
  readonly #start: PendingStart
  /** The option `ready`, if it is a path or URL. */
  readonly #url: string | undefined
  /** The last observation. */
  last: Observation | undefined
  /** A process that was started without $PORT. */
  withoutPort: string | undefined

  constructor(start: PendingStart) {
    const { ready } = start.plan.options
    this.#start = start
    this.#url =
      typeof ready === 'string' ? replacePortPlaceholders(ready, start.plan.variables) : undefined
  }

  /** @returns `undefined` if the app is ready */
  async run(): Promise<Missing | undefined> {
    await this.#observe()
    return this.last ? this.#check(this.last) : { what: 'observation' }
  }

  /** Checks once more after a moment, because a server may fail after it was ready. */
  async confirm(): Promise<boolean> {
    const before = this.last?.listener
    await sleep(CONFIRM_AFTER_MS)
    await this.#observe()
    if (before !== 'none' && this.last?.listener === 'none') return false
    return this.#url === undefined || !this.last || !(await this.#check(this.last))
  }

  async #observe(): Promise<void> {
    // The first observation excludes the URL, because the answer may take long.
    const observation = await this.#start.processes.observe(this.last && this.#url)
    this.last = observation ?? this.last
    this.withoutPort = this.last?.withoutPort ?? this.withoutPort
  }

  #check(observation: Observation): Promise<Missing | undefined> {
    const { plan, app, outputStart } = this.#start
    return checkReadiness(plan.options.ready, app, observation, outputStart)
  }

  /** What is missing while the first check has not ended. */
  get unanswered(): Missing | undefined {
    if (typeof this.#start.plan.options.ready === 'function') {
      return { what: 'function', problem: 'has not answered yet' }
    }
    const url = this.#url
    return url === undefined
      ? undefined
      : { what: 'answer', answer: { url, error: 'no answer yet' } }
  }
}
