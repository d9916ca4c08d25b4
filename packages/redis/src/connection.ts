import { createHash } from 'node:crypto'
import { answerInTime, deadlineIn, messageOf } from '@portslice/core/internal'
import { createClient } from '@redis/client'
import { SCRIPT, SESSION_MS } from './script.js'

const CONNECT_TIMEOUT_MS = 10_000
/** Counted from the request. After this time the session may have expired, and others may have its ports. */
const MAX_ANSWER_AGE_MS = SESSION_MS - 3000
const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex')

type Client = ReturnType<typeof createClient>

export interface ConnectionTarget {
  readonly url: string
  readonly host: string
  readonly owner: string
  /** Identifies this session, because commands of the owner's earlier sessions may still arrive. */
  readonly token: string
}

/** The key of the hash with all rows of a host. The other keys of the host begin with it. */
export function keyOf(host: string): string {
  return `{portslice:${host}}`
}

/** One connection that runs the script. It does not reconnect. */
export class Connection {
  readonly #client: Client
  readonly #target: ConnectionTarget
  readonly #onLost: (reason: string) => void
  #waiting = 0
  #lost: string | undefined
  #isClosing = false

  private constructor(client: Client, target: ConnectionTarget, onLost: (reason: string) => void) {
    this.#client = client
    this.#target = target
    this.#onLost = onLost
    client.on('error', (error) => this.lose(messageOf(error)))
    client.on('end', () => this.lose('the server has closed it'))
  }

  /** @throws the error of the client */
  static async open(
    target: ConnectionTarget,
    onLost: (reason: string) => void,
  ): Promise<Connection> {
    const client = createClient({
      url: target.url,
      name: 'portslice',
      disableOfflineQueue: true,
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false, keepAlive: true },
    })
    const connection = new Connection(client as Client, target, onLost)
    try {
      await client.connect()
    } catch (error) {
      connection.#isClosing = true
      connection.lose(messageOf(error))
      throw error
    }
    client.unref()
    return connection
  }

  /** Why the connection is lost; `undefined` if it is not. */
  get lost(): string | undefined {
    return this.#lost
  }

  /** Runs a command of the script. @param keepsAlive whether the process waits for the answer */
  async run(command: string, input: object = {}, keepsAlive = true): Promise<unknown> {
    const { host, owner, token } = this.#target
    const options = {
      keys: [keyOf(host)],
      arguments: [command, owner, token, JSON.stringify(input)],
    }
    const deadline = deadlineIn(MAX_ANSWER_AGE_MS)
    const text = await this.send(async (client) => {
      try {
        return await client.evalSha(SCRIPT_SHA, options)
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return client.eval(SCRIPT, options)
      }
    }, keepsAlive)
    if (deadline.expired) {
      this.lose('the process was stopped for too long')
      throw new Error(this.#lost)
    }
    return JSON.parse(String(text))
  }

  /** @throws the error of the server; an Error if the connection is lost */
  async send<T>(call: (client: Client) => Promise<T>, keepsAlive = true): Promise<T> {
    if (this.#lost !== undefined) throw new Error(this.#lost)
    if (keepsAlive && this.#waiting++ === 0) this.#client.ref()
    try {
      return await answerInTime(call(this.#client), (reason) => this.lose(reason))
    } finally {
      if (keepsAlive && --this.#waiting === 0 && this.#lost === undefined) this.#client.unref()
    }
  }

  lose(reason: string): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    if (this.#client.isOpen) this.#client.destroy()
    if (!this.#isClosing) this.#onLost(reason)
  }

  close(): void {
    this.#isClosing = true
    this.lose('closed')
  }
}
