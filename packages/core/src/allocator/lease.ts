/** One port that is out, and the caller's until it is released. */
import { isOutOfDescriptors, PortsliceError } from '../errors.js'
import { checkWaitOptions } from '../options/options.js'
import { deadlineIn } from '../platform/clock.js'
import { growingDelays, poll } from '../platform/poll.js'
import { isListening } from '../probe/listening.js'

/** One port, yours until it is released. Disposing of it releases it. */
export interface PortLease extends AsyncDisposable {
  /** Its number. */
  readonly port: number
  /** What it was taken for, if that was said. */
  readonly label?: string
  /**
   * Whether something listens on the port now (TCP or UDP).
   *
   * @throws the system's error when it has no more sockets or files to find out (EMFILE …)
   */
  isListening(): Promise<boolean>
  /**
   * Waits until something listens on the port.
   *
   * @param options `timeout` in ms, by default 30 000; `signal` ends the wait
   * @throws PortsliceError ERR_PORTSLICE_APP_START when nothing does in time; …_OPTION_INVALID;
   *   the signal's reason when aborted
   * @example
   * const app = spawn('node', ['server.js', String(lease.port)])
   * await lease.untilListening({ timeout: 10_000 })
   */
  untilListening(options?: { timeout?: number; signal?: AbortSignal }): Promise<void>
  /**
   * Gives the port back. When anything still listens on it, the port has leaked: it is not
   * handed out again until that has closed. Releasing twice does no harm.
   *
   * @returns `leaked`: whether anything still listened a quarter of a second later
   */
  release(): Promise<{
    /** Whether anything still listens on it. */
    leaked: boolean
  }>
}

/** How often to look for a listener, in ms: at first often, as most apps start quickly. */
const FIRST_POLL_MS = 10
const SLOWEST_POLL_MS = 100
const DEFAULT_START_TIMEOUT_MS = 30_000

/** The app may be listening for all that, and there may be room at the next look. */
function falseWhenOutOfDescriptors(error: unknown): false {
  if (isOutOfDescriptors(error)) return false
  throw error
}

export class Lease implements PortLease {
  readonly port: number
  readonly label?: string
  readonly #giveBack: () => Promise<{ leaked: boolean }>
  readonly #isListening: (port: number) => Promise<boolean>
  #released: Promise<{ leaked: boolean }> | undefined

  constructor(
    port: number,
    label: string | undefined,
    giveBack: () => Promise<{ leaked: boolean }>,
    isListeningOn = isListening,
  ) {
    this.port = port
    if (label !== undefined) this.label = label
    this.#giveBack = giveBack
    this.#isListening = isListeningOn
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
    const delays = growingDelays(FIRST_POLL_MS, SLOWEST_POLL_MS)
    if (await poll(isListening, { delays, deadline, signal })) return
    const name = this.label === undefined ? '' : ` (${JSON.stringify(this.label)})`
    throw new PortsliceError(
      'ERR_PORTSLICE_APP_START',
      `Nothing listens on port ${this.port}${name} after ${timeout} ms.`,
      {
        value: this.port,
        advice:
          'See whether the app was given this port, and what it printed; or raise `timeout` if it only needs longer.',
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
