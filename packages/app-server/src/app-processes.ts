import { PortsliceError } from '@portslice/core'
import { sleep } from '@portslice/core/internal'
import { type ProcessTree, treeMarker } from '@portslice/process-tree'
import type { AppPlan } from './app-plan.js'
import type { Observation } from './observe.js'
import type { Output } from './output.js'
import { replacePortPlaceholders } from './placeholders.js'
import { describeApp } from './start-error.js'
import { StartedProcess } from './started-process.js'
import { watchdog } from './watchdog-client.js'

const DEFAULT_STOP_TIMEOUT_MS = 5000

/** Starts, observes and ends the processes of an app, together with the watchdog. */
export class AppProcesses {
  readonly root: StartedProcess
  /** The host name under which clients reach the app; `undefined` until the app listens. */
  host: string | undefined
  readonly #id: string
  readonly #plan: AppPlan
  readonly #stopWatching: (() => void) | undefined
  #status: 'running' | 'ended' = 'running'

  constructor(plan: AppPlan, cwd: string, output: Output) {
    const { options, variables } = plan
    const marker = treeMarker()
    this.#id = marker.id
    this.#plan = plan
    // First, because this process may die at any moment.
    this.#tellWatchdog()
    this.root = new StartedProcess({
      command:
        typeof options.command === 'string'
          ? replacePortPlaceholders(options.command, variables)
          : options.command.map((each) => replacePortPlaceholders(each, variables)),
      cwd,
      env: appEnvironment(plan),
      marker,
      output,
    })
    this.#tellWatchdog(this.root.tree)
    // Without the watchdog, this process looks for new processes, although that slows the tests.
    if (!watchdog().isUsable) this.#stopWatching = this.root.tree.watch()
  }

  #tellWatchdog(tree?: ProcessTree): void {
    const timeoutMs = this.#stopTimeoutMs
    watchdog().watch({ watch: this.#id, known: tree?.known ?? [], timeoutMs })
  }

  get #stopTimeoutMs(): number {
    return this.#plan.options.stopTimeout ?? DEFAULT_STOP_TIMEOUT_MS
  }

  /** Includes the processes that the watchdog has found. */
  get tree(): ProcessTree {
    const { tree } = this.root
    tree.addKnown(watchdog().known(this.#id))
    return tree
  }

  /** Whether the first process runs or, if it has exited with 0, any other process of the app. */
  async areRunning(): Promise<boolean> {
    if (this.#status === 'ended') return false
    const { exit } = this.root
    return !exit || (exit.status === 0 && (await this.tree.processes()).length > 0)
  }

  /** @returns `undefined` if the watchdog was lost meanwhile: call it again */
  async observe(url?: string): Promise<Observation | undefined> {
    const { host } = this
    const { lease } = this.#plan
    const observation = await watchdog().observe(this.#id, this.root.tree, {
      port: lease.port,
      ...(host !== undefined && { host }),
      ...(lease.host !== undefined && { remoteHost: lease.host }),
      ...(url !== undefined && { url }),
    })
    this.host ??= observation?.host
    return observation
  }

  /** @throws PortsliceError ERR_PORTSLICE_APP_STOP */
  async end(): Promise<void> {
    if (this.#status === 'ended') return
    const { options, name } = this.#plan
    await sleep(0) // Lets Node read the latest reports of the watchdog.
    const survivors = await this.tree.end({ timeout: this.#stopTimeoutMs })
    if (survivors.length === 0) {
      this.#status = 'ended'
      this.#stopWatching?.()
      watchdog().unwatch(this.#id)
      return
    }
    const pids = survivors.map(({ pid }) => pid)
    throw new PortsliceError(
      'ERR_PORTSLICE_APP_STOP',
      `${describeApp(name, options)} could not be ended: ${pids.length === 1 ? 'process' : 'processes'} ${pids.join(', ')} cannot be killed.`,
      {
        value: pids,
        advice:
          'They belong to another user, or are stuck in the system: end them by hand. Their ports stay leased until this process ends.',
      },
    )
  }
}

function appEnvironment({ options, variables }: AppPlan): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...variables }
  for (const [name, value] of Object.entries(options.env ?? {})) {
    if (value !== undefined) env[name] = replacePortPlaceholders(value, variables)
    else if (!Object.hasOwn(variables, name)) delete env[name]
  }
  return env
}
