import type {
  CoordinatorCheck,
  CoordinatorSession,
  HeldSlice,
  Holdings,
  ListedPort,
  Listing,
  PortEvent,
  PortUse,
  Refusal,
  SessionOptions,
} from '@portslice/core/coordinator'
import {
  fieldsOf,
  LastSeen,
  millisecondsFrom,
  parseHolder,
  parseLeft,
  parseRefusal,
  QUARANTINE_MS,
  sessionError,
  stringFrom,
} from '@portslice/core/internal'
import { Connection } from './connection.js'
import { lockClass } from './lock-keys.js'
import { migrate, rightsError } from './migrate.js'

/** The reasons for which a request can be refused. */
const REASONS = ['held', 'quarantined', 'recovering'] as const

const MAX_HISTORY = 50
const HISTORY_DAYS = 7
const TERMINATE_TIMEOUT_MS = 3000

/** The server process of the last session of an owner, which may have outlived its connection. */
const lastBackends = new Map<string, { pid: unknown; startedAt: unknown }>()

/** Error codes for a missing schema, table or function. */
const MISSING = new Set(['3F000', '42P01', '42883'])

/** Holds session-level advisory locks, which the server frees when the connection ends. */
export class PostgresSession implements CoordinatorSession {
  readonly #connection: Connection
  readonly #options: SessionOptions
  readonly #holder: string
  readonly #slices: number
  readonly #ports: number

  readonly #lastSeen: LastSeen

  private constructor(connection: Connection, options: SessionOptions, lastSeen: LastSeen) {
    this.#connection = connection
    this.#options = options
    this.#lastSeen = lastSeen
    this.#holder = JSON.stringify(options.holder)
    this.#slices = lockClass('slices', options.host)
    this.#ports = lockClass('ports', options.host)
  }

  static async open(options: SessionOptions): Promise<PostgresSession> {
    const { url, owner, onLost } = options
    const lastSeen = new LastSeen(owner)
    let tablesAtOpen: unknown
    const onBeat = (tables: unknown, at: unknown) => {
      tablesAtOpen ??= tables
      if (tables === tablesAtOpen) lastSeen.recordAnswer(at)
      else void replaceTables(connection, url)
    }
    const connection: Connection = await Connection.open(url, { onBeat, onLost })
    try {
      await prepareTables(connection, url)
      await connection.beat(url)
      await endLastBackend(connection, owner)
      const [backend] = await connection.query(
        `select pid, backend_start::text as "startedAt" from pg_stat_activity
          where pid = pg_backend_pid()`,
      )
      lastBackends.set(owner, { pid: backend?.pid, startedAt: backend?.startedAt })
      await connection.query(
        `delete from portslice.history where at < now() - interval '${HISTORY_DAYS} days'`,
      )
      return new PostgresSession(connection, options, lastSeen)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async holdSlice(first: number): Promise<HeldSlice | Refusal> {
    const { host, owner } = this.#options
    const answer = await this.#call('portslice.hold($1, $2, $3, $4, $5, $6::jsonb)', [
      host,
      this.#slices,
      this.#ports,
      first,
      owner,
      this.#holder,
    ])
    return parseRefusal(answer, REASONS) ?? { left: parseLeft(fieldsOf(answer).left) }
  }

  async heldSlices(): Promise<number[]> {
    const rows = await this.#connection.query(
      `select objid::bigint::integer as first from pg_locks
        where locktype = 'advisory' and classid::bigint = $1 and objsubid = 2 and granted
          and database = (select oid from pg_database where datname = current_database())`,
      [this.#slices],
    )
    return rows.map(({ first }) => first as number)
  }

  async takePorts(uses: readonly PortUse[], slice?: number): Promise<Refusal | undefined> {
    const { host, owner } = this.#options
    const isClaim = slice === undefined
    try {
      const answer = await this.#call('portslice.take($1, $2, $3::jsonb, $4, $5::jsonb, $6)', [
        host,
        this.#ports,
        JSON.stringify(uses),
        owner,
        this.#holder,
        isClaim,
      ])
      return parseRefusal(answer, REASONS)
    } catch (error) {
      // A session keeps its advisory locks if a statement fails.
      for (const { port } of uses) {
        await this.#connection
          .query('select pg_advisory_unlock($1, $2)', [this.#ports, port])
          .catch(() => {})
      }
      throw error
    }
  }

  async releasePort(port: number, leaked: boolean): Promise<void> {
    const { host, owner } = this.#options
    await this.#call('portslice.release($1, $2, $3, $4, $5)', [
      host,
      this.#ports,
      port,
      owner,
      leaked,
    ])
  }

  async releaseSlice(first: number): Promise<void> {
    const { host, owner } = this.#options
    await this.#call('portslice.release_slice($1, $2, $3, $4)', [host, this.#slices, first, owner])
  }

  async resume({ slices, ports }: Holdings): Promise<Holdings> {
    const { host, owner } = this.#options
    const answer = fieldsOf(
      await this.#call('portslice.resume($1, $2, $3, $4, $5::jsonb, $6, $7::jsonb, $8)', [
        host,
        this.#slices,
        this.#ports,
        owner,
        this.#holder,
        slices,
        JSON.stringify(ports),
        this.#lastSeen.previousSession ?? null,
      ]),
    )
    if (answer.isBusy) {
      await this.close()
      throw new Error('the server has not noticed yet that the earlier connection is lost')
    }
    this.#lastSeen.recordResume(answer.at)
    return { slices: answer.slices as number[], ports: answer.ports as PortUse[] }
  }

  async #call(call: string, values: unknown[]): Promise<unknown> {
    try {
      const [row] = await this.#connection.query(`select ${call} as answer`, values)
      this.#lastSeen.recordAnswer(fieldsOf(row?.answer).at)
      return row?.answer
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (MISSING.has(code)) await replaceTables(this.#connection, this.#options.url)
      if (this.#connection.lost !== undefined) throw error
      if (code === '42501') throw rightsError(this.#options.url, error)
      throw sessionError(
        this.#options.url,
        `has refused a statement: ${(error as Error).message}.`,
        'Check the log of the server. `npx portslice doctor` shows whether the coordinator can be used.',
        error,
      )
    }
  }

  async list(): Promise<Listing> {
    const held = `exists (select from pg_locks l where l.locktype = 'advisory' and l.objsubid = 2
      and l.granted and l.classid::bigint = $2
      and l.database = (select oid from pg_database where datname = current_database())
      and l.objid::bigint = `
    const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`
    const slices = await this.#connection.query(
      `select first, holder, ${ms('since')} as since, ${held} s.first) as is_held
        from portslice.slices s where host = $1 order by first`,
      [this.#options.host, this.#slices],
    )
    const ports = await this.#connection.query(
      `select port, state, holder, is_claim, label, key, ${ms('since')} as since,
          portslice.left_ms(died_at) as left_ms, ${held} p.port) as is_held
        from portslice.ports p where host = $1 and state <> 'free' order by port`,
      [this.#options.host, this.#ports],
    )
    return {
      slices: slices.map((row) => ({
        first: row.first as number,
        isHeld: row.is_held === true,
        holder: parseHolder(row.holder),
        sinceMs: millisecondsFrom(row.since),
      })),
      ports: ports
        .map((row): ListedPort => {
          const isDead = row.state === 'out' && row.is_held !== true
          return {
            port: row.port as number,
            state: isDead ? 'quarantined' : (row.state as ListedPort['state']),
            isClaim: row.is_claim === true,
            holder: parseHolder(row.holder),
            label: stringFrom(row.label),
            key: stringFrom(row.key),
            sinceMs: millisecondsFrom(row.since),
            leftMs: isDead ? QUARANTINE_MS : millisecondsFrom(row.left_ms),
          }
        })
        .filter(({ state, leftMs }) => state !== 'quarantined' || leftMs > 0),
    }
  }

  async history(port: number): Promise<PortEvent[]> {
    const rows = await this.#connection.query(
      `select event, label, holder, (extract(epoch from at) * 1000)::float8 as at
        from portslice.history where host = $1 and port = $2 order by id desc limit ${MAX_HISTORY}`,
      [this.#options.host, port],
    )
    return rows.map((row) => ({
      event: row.event as PortEvent['event'],
      atMs: millisecondsFrom(row.at),
      label: stringFrom(row.label),
      holder: parseHolder(row.holder),
    }))
  }

  async check(): Promise<CoordinatorCheck> {
    const start = performance.now()
    const [row] = await this.#connection.query(
      `select current_setting('server_version') as version,
        current_setting('max_connections')::integer
          - current_setting('superuser_reserved_connections')::integer as most,
        (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as used`,
    )
    const latencyMs = performance.now() - start
    const { version, most, used } = row as Record<string, number>
    const isFull = (used ?? 0) > 0.8 * (most ?? 0)
    return {
      server: `PostgreSQL ${version}`,
      latencyMs,
      problems: isFull
        ? [
            {
              problem: `${used} of the ${most} connections of the server are in use.`,
              advice: 'Raise max_connections: each process that leases ports needs one connection.',
            },
          ]
        : [],
    }
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}

async function prepareTables(connection: Connection, url: string): Promise<void> {
  await migrate(connection, url)
  await connection.query('select portslice.note_start()').catch((error) => {
    throw rightsError(url, error)
  })
}

/** Creates the tables before the session ends and frees its locks: new tables give other holders time to return. */
async function replaceTables(connection: Connection, url: string): Promise<void> {
  await prepareTables(connection, url).catch(() => {})
  connection.lose('its tables have been removed')
}

/**
 * The server may not have noticed that the last connection is lost, and would keep its locks for up
 * to 25 s more.
 */
async function endLastBackend(connection: Connection, owner: string): Promise<void> {
  const last = lastBackends.get(owner)
  if (!last) return
  // With the timeout, it waits until the process has ended. PostgreSQL 13 does not have this timeout.
  await connection
    .query(
      `select pg_terminate_backend(pid, ${TERMINATE_TIMEOUT_MS}) from pg_stat_activity
        where pid = $1 and backend_start::text = $2 and pid <> pg_backend_pid()`,
      [last.pid, last.startedAt],
    )
    .catch(() => [])
}
