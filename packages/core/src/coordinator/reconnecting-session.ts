import { PortsliceError, sanitize } from '../errors.js'
import { coordinatorError, hidePassword } from '../options/remote.js'
import { setTimeout } from '../platform/clock.js'
import { growingDelays } from '../wait/poll.js'
import type { CoordinatorSession, Holdings, Refusal } from './coordinator-session.js'

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2000

/** Knows which slices and ports are held through the session. */
export interface SessionHolder {
  holdings(): Holdings
  /** The connection is lost. */
  onLost(): void
  /** The connection is restored. @param held the part of `wanted` that no other process has taken meanwhile */
  onResumed(wanted: Holdings, held: Holdings): void
}

export type Connect = (onLost: (reason: string) => void) => Promise<CoordinatorSession>

/** Connects again after a lost connection, and then holds the same slices and ports. */
export class ReconnectingSession {
  readonly #connectTo: Connect
  readonly #coordinator: string
  readonly #holder: SessionHolder
  #session: CoordinatorSession | undefined
  #trouble: string | undefined

  constructor(connect: Connect, coordinator: string, holder: SessionHolder) {
    this.#connectTo = connect
    this.#coordinator = coordinator
    this.#holder = holder
  }

  /** Why there is no connection, as a sentence. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** The URL of the coordinator for messages, in quotes and without a password. */
  get name(): string {
    return JSON.stringify(hidePassword(this.#coordinator))
  }

  async open(): Promise<void> {
    this.#session = await this.#connect()
  }

  async #connect(): Promise<CoordinatorSession> {
    let session: CoordinatorSession | undefined
    let lost: string | undefined
    const opened = await this.#connectTo((reason) => {
      lost = reason
      if (session !== undefined && this.#session === session) this.#onLost(reason)
    })
    if (lost !== undefined) throw new Error(lost)
    session = opened
    return opened
  }

  /** @returns also the refusal `lost`, if the connection is lost before the answer */
  async call<T>(call: (session: CoordinatorSession) => Promise<T>): Promise<T | Refusal> {
    const session = this.#session
    if (!session) return { refused: 'lost' }
    try {
      return await call(session)
    } catch (error) {
      if (this.#session !== session) return { refused: 'lost' }
      throw error
    }
  }

  /** @returns `undefined` if the call fails, or without a connection */
  async tryCall<T>(call: (session: CoordinatorSession) => Promise<T>): Promise<T | undefined> {
    return this.#session && call(this.#session).catch(() => undefined)
  }

  /** @throws PortsliceError ERR_PORTSLICE_COORDINATOR without a connection */
  current(): CoordinatorSession {
    if (this.#session) return this.#session
    const advice = 'Check that the server runs, and that this machine may connect to it.'
    throw coordinatorError(this.#trouble ?? '', this.#coordinator, advice)
  }

  #onLost(reason: string): void {
    this.#session = undefined
    this.#trouble = `The connection to the coordinator ${this.name} is lost (${reason}).`
    this.#holder.onLost()
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    const delays = growingDelays(FIRST_RETRY_MS, LAST_RETRY_MS)
    let restored = await this.#tryToResume()
    while (!restored) {
      const { value } = delays.next()
      await new Promise<void>((resolve) => void setTimeout(resolve, value).unref())
      restored = await this.#tryToResume()
    }
    this.#session = restored.session
    this.#trouble = undefined
    this.#holder.onResumed(restored.wanted, restored.held)
  }

  async #tryToResume() {
    try {
      const session = await this.#connect()
      const wanted = this.#holder.holdings()
      return { session, wanted, held: await session.resume(wanted) }
    } catch (error) {
      const why = error instanceof PortsliceError ? error.problem : (error as Error).message
      this.#trouble = `The connection to the coordinator ${this.name} is lost, and cannot be restored yet (${sanitize(why)}).`
      return undefined
    }
  }
}
