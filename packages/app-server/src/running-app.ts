import { PortsliceError } from '@portslice/core'
import { hostInUrl, reportsAddressInUse } from '@portslice/core/internal'
import type { App } from './app.js'
import { type AppPlan, leasesOf } from './app-plan.js'
import { AppProcesses } from './app-processes.js'
import { Output } from './output.js'
import { describeApp, type FailedStart, notReadyError, portTakenError } from './start-error.js'
import { waitUntilReady } from './wait-until-ready.js'

/** `port-taken`: another program has bound the port first, so a start on another port may succeed. */
export type StartResult =
  | { readonly status: 'ready' }
  | { readonly status: 'failed' | 'port-taken'; readonly error: PortsliceError }

/** An app and its ports, from the first start until `stop`. */
export class RunningApp implements App {
  readonly #plan: AppPlan
  readonly #output = new Output()
  readonly #cwd: string
  #processes: AppProcesses | undefined
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
    const { host: remoteHost } = this.#plan.lease
    const host = (remoteHost && hostInUrl(remoteHost)) ?? this.#processes?.host ?? 'localhost'
    return `http://${host}:${this.port}`
  }

  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#plan.extraLeases].map(([name, { port }]) => [name, port]))
  }

  get pid(): number {
    return this.#processes?.root.pid ?? -1
  }

  get printed(): number {
    return this.#output.end
  }

  output(from = 0): string {
    return this.#output.text(from)
  }

  async isRunning(): Promise<boolean> {
    if (!(await this.#processes?.areRunning())) return false
    const { ready } = this.#plan.options
    const mustListen = ready === undefined || typeof ready === 'string'
    return !mustListen || this.#plan.lease.isListening()
  }

  async start(signal?: AbortSignal): Promise<StartResult> {
    const plan = this.#plan
    const output = this.#output
    const failed: FailedStart = { ...plan, cwd: this.#cwd, port: this.port, output }
    // The app does not run yet, so this is another program.
    if (await plan.lease.isListening()) {
      return { status: 'port-taken', error: portTakenError(failed) }
    }
    const signals = signal ? [this.#stopped.signal, signal] : [this.#stopped.signal]
    for (const each of signals) each.throwIfAborted()

    const outputStart = output.end
    const processes = new AppProcesses(plan, this.#cwd, output)
    this.#processes = processes
    const notReady = await waitUntilReady({ plan, processes, app: this, outputStart, signals })
    if (!notReady) return { status: 'ready' }

    await processes.end()
    await processes.root.untilOutputRead()
    const ports = leasesOf(plan).map(({ port }) => port)
    const isPortTaken =
      notReady.reason === 'port-taken' || reportsAddressInUse(output.text(outputStart), ports)
    return { status: isPortTaken ? 'port-taken' : 'failed', error: notReadyError(failed, notReady) }
  }

  /** Ends the processes and keeps the ports. @throws PortsliceError ERR_PORTSLICE_APP_STOP */
  async end(): Promise<void> {
    await this.#processes?.end()
  }

  async restart(): Promise<void> {
    if (this.#stopping) throw this.#stoppedError()
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined
    })
    return this.#restarting
  }

  /** Keeps the ports, because other apps may know them. */
  async #restart(): Promise<void> {
    await this.end()
    const result = await this.start()
    if (result.status !== 'ready') throw result.error
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#stopped.abort(this.#stoppedError())
    await this.#restarting?.catch(() => {})
    await this.end()
    await Promise.all(leasesOf(this.#plan).map((lease) => lease.release()))
  }

  #stoppedError(): PortsliceError {
    return new PortsliceError(
      'ERR_PORTSLICE_CLOSED',
      `${describeApp(this.#plan.name, this.#plan.options)} cannot be started again: it was stopped, and its ports were given back.`,
      { advice: 'Start another one with `startApp`.' },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
