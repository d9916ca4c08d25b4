/** An app and the ports it has, from its start until all of it has gone. */
import { type PortLease, PortsliceError } from '@portslice/core'
import type { App } from './app.js'
import { type AppPlan, type Launched, launch, type Outcome } from './launch.js'
import { Output } from './output.js'
import { describe } from './start-error.js'

export class RunningApp implements App {
  readonly #plan: AppPlan
  readonly #output = new Output()
  readonly #cwd: string
  /** By name: browsers, `fetch` and `node:http` try all addresses that it resolves to. */
  #host = 'localhost'
  #pid = -1
  /** `undefined` before the first start, and once all of it has been ended. */
  #launched: Launched | undefined
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
    return `http://${this.#host}:${this.port}`
  }

  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#plan.further].map(([name, { port }]) => [name, port]))
  }

  get pid(): number {
    return this.#pid
  }

  get printed(): number {
    return this.#output.end
  }

  output(from = 0): string {
    return this.#output.text(from)
  }

  async isRunning(): Promise<boolean> {
    if (!(await this.#launched?.hasProcesses())) return false
    const { ready } = this.#plan.options
    const isToldByPort = ready === undefined || typeof ready === 'string'
    return !isToldByPort || this.#plan.lease.isListening()
  }

  /** @throws the signal's reason; PortsliceError ERR_PORTSLICE_APP_STOP */
  async start(signal?: AbortSignal): Promise<Outcome> {
    const outcome = await launch({
      plan: this.#plan,
      cwd: this.#cwd,
      output: this.#output,
      app: this,
      signals: [this.#stopped.signal, ...(signal ? [signal] : [])],
      onStarted: (launched) => {
        this.#launched = launched
        this.#pid = launched.process.pid ?? -1
      },
      onHost: (host) => {
        this.#host = host
      },
    })
    // It has been ended already.
    if (outcome.is !== 'ready') this.#launched = undefined
    return outcome
  }

  /**
   * Ends all of it, and keeps its ports.
   *
   * @throws PortsliceError ERR_PORTSLICE_APP_STOP
   */
  async end(): Promise<void> {
    await this.#launched?.end()
    this.#launched = undefined
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
    // Its ports are told to others already, and cannot be changed.
    const outcome = await this.start()
    if (outcome.is !== 'ready') throw outcome.reason
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
