import {
  answerInTime,
  clearTimeout,
  messageOf,
  sessionError,
  setTimeout,
} from '@portslice/core/internal'
import pg from 'pg'

const CONNECT_TIMEOUT_MS = 10_000
const HEARTBEAT_INTERVAL_MS = 5000

/**
 * If a host is gone, the server frees its locks after 10 s + 3 x 5 s. The client notices a lost connection earlier,
 * by its heartbeat: after at most 5 s + 11 s.
 */
const SETTINGS = [
  'set tcp_keepalives_idle = 10',
  'set tcp_keepalives_interval = 5',
  'set tcp_keepalives_count = 3',
  'set tcp_user_timeout = 25000',
  'set statement_timeout = 8000',
  'set lock_timeout = 5000',
  'set idle_in_transaction_session_timeout = 0',
  "set default_transaction_isolation = 'read committed'",
  'set default_transaction_read_only = off',
  // A crash of the server loses the locks as well, and nothing is handed out for 30 s after it.
  'set synchronous_commit = off',
].join('; ')

/** The id of the tables shows whether they were created again. */
const HEARTBEAT = `select pg_backend_pid() as pid, to_regclass('portslice.ports')::oid::text as tables,
  clock_timestamp()::text as at`

export type Row = Record<string, unknown>

export interface ConnectionListener {
  /** Called after each answer to a heartbeat. @param tables identifies the tables, if there are any */
  readonly onBeat: (tables: unknown, at: unknown) => void
  readonly onLost: (reason: string) => void
}

/** One connection, whose end is noticed at once or by a heartbeat. */
export class Connection {
  readonly #client: pg.Client
  readonly #listener: ConnectionListener
  #heartbeat: NodeJS.Timeout | undefined
  #waiting = 0
  #previous: Promise<unknown> = Promise.resolve()
  #lost: string | undefined
  #isClosing = false

  private constructor(client: pg.Client, listener: ConnectionListener) {
    this.#client = client
    this.#listener = listener
    client.on('error', (error) => this.lose(messageOf(error)))
    client.on('end', () => this.lose('the server has closed it'))
  }

  /** @throws PortsliceError ERR_PORTSLICE_COORDINATOR */
  static async open(url: string, listener: ConnectionListener): Promise<Connection> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'portslice',
      keepAlive: true,
      keepAliveInitialDelayMillis: CONNECT_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    })
    const connection = new Connection(client, listener)
    try {
      await client.connect()
      await connection.#prepare(url)
      return connection
    } catch (error) {
      await connection.close()
      throw connectError(url, error)
    }
  }

  async #prepare(url: string): Promise<void> {
    await this.query(SETTINGS)
    const [row] = await this.query(
      `select pg_backend_pid() as pid, pg_is_in_recovery() as is_standby,
        current_setting('server_version_num')::integer as version`,
    )
    const { pid, is_standby, version } = row as Row
    // A pooler gives its clients other process ids, and may change the session at any time.
    if (pid !== processIdOf(this.#client)) throw poolerError(url)
    if (is_standby) {
      throw sessionError(
        url,
        'is a standby server, which cannot record ports.',
        'Give the URL of the primary server; with several hosts in the URL, add target_session_attrs=read-write.',
      )
    }
    if ((version as number) >= 140_000) await this.query('set idle_session_timeout = 0')
    this.#scheduleBeat(url)
    this.#keepProcessAlive(false)
  }

  #scheduleBeat(url: string): void {
    this.#heartbeat = setTimeout(() => void this.#beat(url), HEARTBEAT_INTERVAL_MS).unref()
  }

  async #beat(url: string): Promise<void> {
    try {
      await this.beat(url, false)
    } catch {
      // The error has lost the session already, or the next heartbeat will.
    }
    if (this.#lost === undefined && !this.#isClosing) this.#scheduleBeat(url)
  }

  /** Asks the server once, as the heartbeat does. */
  async beat(url: string, keepsAlive = true): Promise<void> {
    const [row] = await this.query(HEARTBEAT, [], keepsAlive)
    if (row?.pid !== processIdOf(this.#client)) this.lose(poolerError(url).problem)
    else this.#listener.onBeat(row?.tables, row?.at)
  }

  /** Why the connection is lost; `undefined` if it is not. */
  get lost(): string | undefined {
    return this.#lost
  }

  /**
   * @param keepsAlive whether the process stays alive until there is an answer
   * @throws the error of the server; an Error if the connection is lost
   */
  query(text: string, values: unknown[] = [], keepsAlive = true): Promise<Row[]> {
    // The client requires that queries are sent one at a time.
    const answer = this.#previous.then(() => this.#send(text, values))
    this.#previous = answer.catch(() => {})
    return keepsAlive ? this.#keepAliveUntil(answer) : answer
  }

  /** The query may still wait for the answer to a heartbeat, which does not keep the process alive. */
  async #keepAliveUntil<T>(answer: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#keepProcessAlive(true)
    try {
      return await answer
    } finally {
      if (--this.#waiting === 0) this.#keepProcessAlive(false)
    }
  }

  #keepProcessAlive(isWanted: boolean): void {
    // A closed socket would add a listener for each call.
    if (this.#lost !== undefined) return
    const socket = this.#client as unknown as { ref(): void; unref(): void }
    if (isWanted) socket.ref()
    else socket.unref()
  }

  async #send(text: string, values: unknown[]): Promise<Row[]> {
    if (this.#lost !== undefined) throw new Error(this.#lost)
    const { rows } = await answerInTime(
      values.length > 0 ? this.#client.query(text, values) : this.#client.query(text),
      (reason) => this.lose(reason),
    )
    return rows ?? []
  }

  lose(reason: string): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    clearTimeout(this.#heartbeat)
    // Not `end()`, which waits for an answer.
    streamOf(this.#client)?.destroy()
    if (!this.#isClosing) this.#listener.onLost(reason)
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#heartbeat)
    if (this.#lost === undefined) {
      // Otherwise a process with nothing left to do would end first.
      this.#keepProcessAlive(true)
      await this.#client.end().catch(() => {})
    }
    this.lose('closed')
  }
}

/** The process id that the server sent at the start of the session. */
function processIdOf(client: pg.Client): number | undefined {
  return (client as unknown as { processID?: number }).processID
}

function streamOf(client: pg.Client): { destroy(): void } | undefined {
  return (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream
}

function poolerError(url: string) {
  return sessionError(
    url,
    'is a connection pooler (such as PgBouncer): the process id of the session is not that of the server process. A pooler may give the session to another client, and the locks with it.',
    'Give the URL of the PostgreSQL server itself: most poolers run beside it, and the server listens on port 5432. Each process needs one connection.',
  )
}

function connectError(url: string, error: unknown) {
  if (error instanceof Error && error.name.startsWith('PortsliceError')) return error
  const { code } = error as { code?: string }
  const advice =
    code === '53300'
      ? 'Raise max_connections of the server, or run fewer processes at once: each needs one connection.'
      : code === '28P01' || code === '28000'
        ? 'Check the user and the password in the URL (or $PGPASSWORD).'
        : 'Check that the server runs, and that this machine may connect to it.'
  return sessionError(url, `cannot be used: ${messageOf(error)}.`, advice, error)
}
