import { isOutOfDescriptors, PortsliceError } from '../errors.js'
import { checkWaitOptions } from '../options/options.js'
import { deadlineIn } from '../platform/clock.js'
import { isListening } from '../probe/listening.js'
import { growingDelays, poll } from '../wait/poll.js'

/** A leased port, yours until you release it. Disposing of the lease releases it. */
export interface PortLease extends AsyncDisposable {
  /** The port number. */
  readonly port: number
  /** The `label` it was taken with, if any. */
  readonly label?: string
  /** The host of the port, if it is not this machine (option `host`). */
  readonly host?: string
  /**
   * Whether something listens on the port now (TCP or UDP).
   *
   * @throws the system's error if no socket or file can be opened (EMFILE …)
   */
  isListening(): Promise<boolean>
  /**
   * Waits until something listens on the port.
   *
   * @param options `timeout` in ms, by default 30 000; `signal` ends the wait
   * @throws PortsliceError ERR_PORTSLICE_APP_START after the timeout; …_OPTION_INVALID;
   *   the signal's reason when aborted
   * @example
   * const app = spawn('node', ['server.js', String(lease.port)])
   * await lease.untilListening({ timeout: 10_000 })
   */
  untilListening(options?: { timeout?: number; signal?: AbortSignal }): Promise<void>
  /**
   * Gives the port back. If something still listens on it, the port has leaked: it is not
   * handed out again until it is closed. Releasing twice does no harm.
   *
   * @returns `leaked`: whether something still listened a quarter of a second later
   */
  release(): Promise<{
    /** Whether something still listens on it. */
    leaked: boolean
  }>
}

const MIN_POLL_INTERVAL_MS = 10
const MAX_POLL_INTERVAL_MS = 100
const DEFAULT_START_TIMEOUT_MS = 30_000

/** A check that gets no descriptor says nothing about the app: the next check may succeed. */
function falseWhenOutOfDescriptors(error: unknown): false {
  if (isOutOfDescriptors(error)) return false
  throw error
}

/** The host of a port, and how to check the port. Empty for an ordinary port of this machine. */
export interface PortPlace {
  readonly host?: string
  readonly isListening?: (port: number) => Promise<boolean>
}

export class Lease implements PortLease {
  readonly port: number
  readonly label?: string
  readonly host?: string
  readonly #giveBack: () => Promise<{ leaked: boolean }>
  readonly #isListening: (port: number) => Promise<boolean>
  #released: Promise<{ leaked: boolean }> | undefined

  constructor(
    port: number,
    label: string | undefined,
    giveBack: () => Promise<{ leaked: boolean }>,
    place: PortPlace = {},
  ) {
    this.port = port
    if (label !== undefined) this.label = label
    if (place.host !== undefined) this.host = place.host
    this.#giveBack = giveBack
    this.#isListening = place.isListening ?? isListening
  }

  isListening(): Promise<boolean> {
    return this.#isListening(this.port)
  }

  async untilListening(options: { timeout?: number; signal?: AbortSignal } = {}): Promise<void> {
    checkWaitOptions(options)
    const { timeout = DEFAULT_START_TIMEOUT_MS, signal } = options
    const deadline = deadlineIn(timeout)
    const isListening = async () =>
      (await this.isListening().catch(falseWhenOutOfDescriptors)) || undefined
    const delays = growingDelays(MIN_POLL_INTERVAL_MS, MAX_POLL_INTERVAL_MS)
    if (await poll(isListening, { delays, deadline, signal })) return
    const name = this.label === undefined ? '' : ` (${JSON.stringify(this.label)})`
    throw new PortsliceError(
      'ERR_PORTSLICE_APP_START',
      `Nothing listens on port ${this.port}${name} after ${timeout} ms.`,
      {
        value: this.port,
        advice:
          'Check that the app was given this port, and what it printed; or raise `timeout` if it only needs longer.',
      },
    )
  }

  release(): Promise<{ leaked: boolean }> {
    this.#released ??= this.#giveBack()
    return this.#released
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
