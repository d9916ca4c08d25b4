import { createHash } from 'node:crypto'
import { messageOf } from '@portslice/core/internal'
import { createClient } from '@redis/client'
import { SCRIPT } from './script.js'

const CONNECT_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 10_000
/** After a pause of the process, an answer may lie in the socket that has not been read yet. */
const LATE_ANSWER_MS = 1000
const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex')

type Client = ReturnType<typeof createClient>

/** One connection that runs the script, and does not reconnect by itself. */
export class Connection {
  readonly #client: Client
  readonly #prefix: string
  readonly #owner: string
  readonly #onLost: (reason: string) => void
  #waiting = 0
  #lost: string | undefined
  #isClosing = false

  private constructor(
    client: Client,
    host: string,
    owner: string,
    onLost: (reason: string) => void,
  ) {
    this.#client = client
    this.#prefix = `{portslice:${host}}`
    this.#owner = owner
    this.#onLost = onLost
    client.on('error', (error) => this.lose(messageOf(error)))
    client.on('end', () => this.lose('the server has closed it'))
  }

  /** @throws the error of the client */
  static async open(
    { url, host, owner }: { url: string; host: string; owner: string },
    onLost: (reason: string) => void,
  ): Promise<Connection> {
    const client = createClient({
      url,
      name: 'portslice',
      disableOfflineQueue: true,
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false, keepAlive: true },
    })
    const connection = new Connection(client as Client, host, owner, onLost)
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

  get lost(): string | undefined {
    return this.#lost
  }

  /** Runs a command of the script. @param keepsAlive whether the process waits for the answer */
  async run(command: string, input: object = {}, keepsAlive = true): Promise<unknown> {
    const options = {
      keys: [this.#prefix],
      arguments: [command, this.#owner, JSON.stringify(input)],
    }
    const text = await this.send(async (client) => {
      try {
        return await client.evalSha(SCRIPT_SHA, options)
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return client.eval(SCRIPT, options)
      }
    }, keepsAlive)
    return JSON.parse(String(text))
  }

  /** @throws the error of the server; an Error if the connection is lost */
  async send<T>(call: (client: Client) => Promise<T>, keepsAlive = true): Promise<T> {
    if (this.#lost !== undefined) throw new Error(this.#lost)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => {
        this.lose(`no answer for ${ANSWER_TIMEOUT_MS} ms`)
        reject(new Error(this.#lost))
      }
      timer = setTimeout(() => {
        timer = setTimeout(giveUp, LATE_ANSWER_MS).unref()
      }, ANSWER_TIMEOUT_MS).unref()
    })
    if (keepsAlive && this.#waiting++ === 0) this.#client.ref()
    try {
      return await Promise.race([call(this.#client), late])
    } finally {
      clearTimeout(timer)
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
