/** An app and the ports it has, from its start until all of it has gone. */
import { type PortLease, PortsliceError } from '@portslice/core'
import { deadlineIn, saysAddressInUse, sleep } from '@portslice/core/adapter'
import { treeMarker } from '@portslice/core/process-tree'
import type { App } from './app.js'
import { keeper } from './kept-trees.js'
import type { AppOptions } from './options.js'
import { Output } from './output.js'
import { type PortVariables, withPorts } from './placeholders.js'
import { type Readiness, readyCheck } from './ready.js'
import {
  describe,
  endedTooSoon,
  type FailedStart,
  notReadyInTime,
  portTaken,
} from './start-error.js'
import { StartedProcess } from './started-process.js'

/** A start that failed because somebody else was quicker to bind the port: worth another try. */
export class PortTaken extends Error {
  readonly reason: PortsliceError
  readonly port: number

  constructor(reason: PortsliceError, port: number) {
    super(reason.message)
    this.reason = reason
    this.port = port
  }
}

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

const DEFAULT_START_TIMEOUT = 30_000
const DEFAULT_STOP_TIMEOUT = 5000
/** How often to look whether it is ready, in ms: at first often, as most apps start quickly. */
const FIRST_LOOK = 10
const SLOWEST_LOOK = 100
/**
 * How long an app whose port another program listens on has to say that this is in its way, in
 * ms. Where it does not, that program works for it: servers of containers do.
 */
const GRACE_WITH_OTHERS = 3000

export class RunningApp implements App {
  readonly #plan: AppPlan
  readonly #output = new Output()
  readonly #cwd: string
  #marker = treeMarker()
  #process: StartedProcess | undefined
  /** Whether all of it has gone, and we have seen to it. */
  #isEnded = false
  #restarting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  readonly #stopped = new AbortController()

  constructor(plan: AppPlan) {
    this.#plan = plan
    this.#cwd = plan.options.cwd ?? process.cwd()
  }

  get port(): number {
    return this.#plan.lease.port
  }

  get url(): string {
    // By name: servers bind 127.0.0.1 or ::1, whichever `localhost` means to them first, and
    // browsers, `fetch` and `node:http` try both.
    return `http://localhost:${this.port}`
  }

  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#plan.further].map(([name, { port }]) => [name, port]))
  }

  get pid(): number {
    return this.#process?.pid ?? -1
  }

  get printed(): number {
    return this.#output.end
  }

  output(from = 0): string {
    return this.#output.text(from)
  }

  async isRunning(): Promise<boolean> {
    if (!(await this.#hasProcesses())) return false
    const { ready } = this.#plan.options
    const isToldByPort = ready === undefined || typeof ready === 'string'
    return !isToldByPort || this.#plan.lease.isListening()
  }

  async #hasProcesses(): Promise<boolean> {
    if (!this.#process || this.#isEnded) return false
    const { exit, tree } = this.#process
    if (!exit) return true
    return exit.status === 0 && (await tree.processes()).length > 0
  }

  /** @throws PortTaken; PortsliceError ERR_PORTSLICE_APP_START; the signal's reason */
  async start(signal?: AbortSignal): Promise<void> {
    const { options, variables } = this.#plan
    const { startTimeout = DEFAULT_START_TIMEOUT } = options
    const signals = [this.#stopped.signal, ...(signal ? [signal] : [])]
    const from = this.#output.end
    // Nothing of ours runs yet: whoever listens there was quicker.
    if (await this.#plan.lease.isListening()) {
      throw new PortTaken(portTaken(this.#failedStart()), this.port)
    }
    this.#marker = treeMarker()
    // Told before there is anything to end: this process may die at any moment.
    this.#keep()
    const command =
      typeof options.command === 'string'
        ? withPorts(options.command, variables)
        : options.command.map((each) => withPorts(each, variables))
    const started = new StartedProcess({
      command,
      cwd: this.#cwd,
      env: this.#environment(),
      marker: this.#marker,
      output: this.#output,
    })
    this.#process = started
    this.#isEnded = false
    this.#keep()
    const ready =
      typeof options.ready === 'string' ? withPorts(options.ready, variables) : options.ready
    const isReady = readyCheck(ready, this, () => this.#plan.lease.isListening(), from)
    const deadline = deadlineIn(startTimeout)
    try {
      await this.#untilReady({ started, isReady, deadline, timeout: startTimeout, signals, from })
    } catch (error) {
      // What it said last may not have been read yet; who holds the pipe open is known then.
      if (!(error instanceof Failed)) throw error
      await this.end()
      await started.untilRead()
      const reason = error.reason()
      throw error.isPortTaken || saysAddressInUse(this.#output.text(from))
        ? new PortTaken(reason, this.port)
        : reason
    }
    // What has cleared its environment is found again as long as it was seen once.
    await started.tree.processes()
    this.#keep()
  }

  async #untilReady({ started, isReady, deadline, timeout, signals, from }: Wait): Promise<void> {
    const failed = this.#failedStart()
    let pending: Promise<Readiness> | undefined
    let readiness: Readiness = 'it was not asked in time'
    let graceWithOthers: { readonly expired: boolean } | undefined
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_LOOK)) {
      for (const signal of signals) signal.throwIfAborted()
      await this.#throwIfEnded(started, failed)
      // A check may take its time; meanwhile the app may end, or the time be up.
      pending ??= isReady()
      const answer = await Promise.race([pending, sleep(wait)])
      if (answer !== undefined) {
        readiness = answer
        pending = undefined
      }
      if (answer === true) {
        await this.#throwIfEnded(started, failed)
        const listener = await started.tree.listenerOn(this.port)
        if (listener !== 'others' || graceWithOthers?.expired) return
        // A server that moves on to the next port is as little use as one that gives up.
        if (saysAddressInUse(this.#output.text(from)))
          throw new Failed(() => portTaken(failed), true)
        graceWithOthers ??= deadlineIn(GRACE_WITH_OTHERS)
      }
      if (deadline.expired) {
        if (pending) readiness = 'it was asked by `ready`, and has not answered yet'
        const listening = await started.tree.listeningPorts()
        const missing = readiness === true ? 'another program listens on its port' : readiness
        throw new Failed(() => notReadyInTime(failed, timeout, missing, listening))
      }
      if (answer !== undefined) await sleep(wait)
    }
  }

  /** One that ends well and leaves others behind, as a daemon does, has not ended. */
  async #throwIfEnded(started: StartedProcess, failed: FailedStart): Promise<void> {
    const { exit } = started
    if (!exit || (await this.#hasProcesses())) return
    throw new Failed(() => endedTooSoon(failed, exit))
  }

  #failedStart(): FailedStart {
    return { ...this.#plan, cwd: this.#cwd, port: this.port, output: this.#output }
  }

  #environment(): NodeJS.ProcessEnv {
    const { options, variables } = this.#plan
    const env: NodeJS.ProcessEnv = { ...process.env, ...variables }
    for (const [name, value] of Object.entries(options.env ?? {})) {
      if (value !== undefined) env[name] = withPorts(value, variables)
      else if (!Object.hasOwn(variables, name)) delete env[name]
    }
    return env
  }

  #keep(): void {
    const { stopTimeout: timeout = DEFAULT_STOP_TIMEOUT } = this.#plan.options
    keeper().keep({ keep: this.#marker.id, known: this.#process?.tree.known ?? [], timeout })
  }

  /**
   * Ends all of it, and keeps its ports.
   *
   * @throws PortsliceError ERR_PORTSLICE_APP_STOP
   */
  async end(): Promise<void> {
    const { options, name } = this.#plan
    const { stopTimeout: timeout = DEFAULT_STOP_TIMEOUT } = options
    const left = (await this.#process?.tree.end({ timeout })) ?? []
    if (left.length === 0) {
      this.#isEnded = true
      keeper().forget(this.#marker.id)
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

  async restart(): Promise<void> {
    if (this.#stopping) throw this.#wasStopped()
    this.#restarting ??= this.#startAgain().finally(() => {
      this.#restarting = undefined
    })
    return this.#restarting
  }

  #wasStopped(): PortsliceError {
    return new PortsliceError(
      'ERR_PORTSLICE_CLOSED',
      `${describe(this.#plan.name, this.#plan.options)} cannot be started again: it was stopped, and its ports were given back.`,
      { advice: 'Start another one with `startApp`.' },
    )
  }

  async #startAgain(): Promise<void> {
    await this.end()
    try {
      await this.start()
    } catch (error) {
      // Its ports are told to others already, and cannot be changed.
      throw error instanceof PortTaken ? error.reason : error
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#stopped.abort(this.#wasStopped())
    await this.#restarting?.catch(() => {})
    await this.end()
    await Promise.all([...this.#leases()].map((lease) => lease.release()))
  }

  *#leases(): Iterable<PortLease> {
    yield this.#plan.lease
    yield* this.#plan.further.values()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** A wait until the app is ready. */
interface Wait {
  started: StartedProcess
  isReady: () => Promise<Readiness>
  deadline: { readonly expired: boolean }
  /** ms, as `deadline` has it. */
  timeout: number
  signals: readonly AbortSignal[]
  /** Where its output begins. */
  from: number
}

/** A start that came to nothing; the words are found once all has been printed. */
class Failed extends Error {
  readonly reason: () => PortsliceError
  readonly isPortTaken: boolean

  constructor(reason: () => PortsliceError, isPortTaken = false) {
    super('The app did not start.')
    this.reason = reason
    this.isPortTaken = isPortTaken
  }
}
