import { randomUUID } from 'node:crypto'
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
  arrayFrom,
  fieldsOf,
  LastSeen,
  messageOf,
  millisecondsFrom,
  parseHolder,
  parseLeft,
  parseRefusal,
  sessionError,
  stringFrom,
} from '@portslice/core/internal'
import { Connection, keyOf } from './connection.js'
import { Renewal } from './renewal.js'

/** The reasons for which a request can be refused. */
const REASONS = ['held', 'quarantined', 'recovering', 'lost'] as const

/** A key that expires, renewed by a thread. A process that does not renew it in time loses its slices and ports. */
export class RedisSession implements CoordinatorSession {
  readonly #connection: Connection
  readonly #options: SessionOptions
  readonly #renewal: Renewal
  readonly #lastSeen: LastSeen

  private constructor(
    connection: Connection,
    options: SessionOptions,
    renewal: Renewal,
    lastSeen: LastSeen,
  ) {
    this.#connection = connection
    this.#options = options
    this.#renewal = renewal
    this.#lastSeen = lastSeen
  }

  static async open(options: SessionOptions): Promise<RedisSession> {
    const { url, host, owner } = options
    const target = { url, host, owner, token: randomUUID() }
    const lastSeen = new LastSeen(owner)
    let renewal: Renewal | undefined
    const lose = (reason: string) => {
      renewal?.stop()
      options.onLost(reason)
    }
    let connection: Connection | undefined
    try {
      renewal = new Renewal(target, {
        onRenewed: (at) => lastSeen.recordAnswer(at),
        onLost: (reason) => connection?.lose(reason),
      })
      connection = await Connection.open(target, lose)
      const info = await connection.send((client) => client.info())
      refuseUnsuitable(info, url)
      await renewal.ready
      await connection.run('open', { identity: identityOf(info) })
      await renewal.begin()
      return new RedisSession(connection, options, renewal, lastSeen)
    } catch (error) {
      connection?.close()
      renewal?.stop()
      throw connectError(url, error)
    }
  }

  async holdSlice(first: number): Promise<HeldSlice | Refusal> {
    const answer = await this.#run('hold', { first, holder: this.#options.holder })
    return parseRefusal(answer, REASONS) ?? { left: parseLeft(fieldsOf(answer).left) }
  }

  async heldSlices(): Promise<number[]> {
    const { slices } = await this.list()
    return slices.filter(({ isHeld }) => isHeld).map(({ first }) => first)
  }

  async takePorts(uses: readonly PortUse[], slice?: number): Promise<Refusal | undefined> {
    const { holder } = this.#options
    return parseRefusal(await this.#run('take', { uses, slice, holder }), REASONS)
  }

  async releasePort(port: number, leaked: boolean): Promise<void> {
    await this.#run('release', { port, leaked })
  }

  async releaseSlice(first: number): Promise<void> {
    await this.#run('releaseSlice', { first })
  }

  async resume({ slices, ports }: Holdings): Promise<Holdings> {
    const { holder } = this.#options
    const seenAt = this.#lastSeen.previousSession
    const answer = await this.#run('resume', { slices, uses: ports, holder, seenAt })
    const refusal = parseRefusal(answer, REASONS)
    if (refusal) throw new Error('the new session has expired')
    const kept = fieldsOf(answer)
    this.#lastSeen.recordResume(kept.at)
    return { slices: arrayFrom(kept.slices) as number[], ports: arrayFrom(kept.ports) as PortUse[] }
  }

  async list(): Promise<Listing> {
    const { slices, ports } = fieldsOf(await this.#run('list'))
    return {
      slices: arrayFrom(slices)
        .map(fieldsOf)
        .filter(({ first }) => isPortNumber(first, 0))
        .map(({ first, isHeld, holder, since }) => ({
          first: first as number,
          isHeld: isHeld === true,
          holder: parseHolder(holder),
          sinceMs: millisecondsFrom(since),
        }))
        .sort((a, b) => a.first - b.first),
      ports: arrayFrom(ports)
        .map(fieldsOf)
        .filter(({ port, state }) => isPortNumber(port, 1) && isState(state))
        .map(({ port, state, isClaim, holder, label, key, since, leftMs }) => ({
          port: port as number,
          state: state as ListedPort['state'],
          isClaim: isClaim === true,
          holder: parseHolder(holder),
          label: stringFrom(label),
          key: stringFrom(key),
          sinceMs: millisecondsFrom(since),
          leftMs: millisecondsFrom(leftMs),
        }))
        .sort((a, b) => a.port - b.port),
    }
  }

  async history(port: number): Promise<PortEvent[]> {
    const key = `${keyOf(this.#options.host)}:history:${port}`
    const rows = await this.#connection.send((client) => client.lRange(key, 0, -1))
    return rows.flatMap((row) => {
      try {
        const { event, at, label, holder } = fieldsOf(JSON.parse(row))
        return {
          event: event as PortEvent['event'],
          atMs: millisecondsFrom(at),
          label: stringFrom(label),
          holder: parseHolder(holder),
        }
      } catch {
        return []
      }
    })
  }

  async check(): Promise<CoordinatorCheck> {
    const start = performance.now()
    const info = await this.#connection.send((client) => client.info())
    const latencyMs = performance.now() - start
    const policy = field(info, 'maxmemory_policy')
    const limit = Number(field(info, 'maxmemory'))
    // Only sessions and history expire, and the holder of an expired session is told.
    const evicts = limit > 0 && policy.startsWith('allkeys')
    return {
      server: `Redis ${field(info, 'redis_version')}`,
      latencyMs,
      problems: evicts
        ? [
            {
              problem: `The server may remove any key when its memory is full (maxmemory-policy ${policy}), also those that say who has a port.`,
              advice: 'Set maxmemory-policy noeviction, or use a separate server.',
            },
          ]
        : [],
    }
  }

  async close(): Promise<void> {
    this.#renewal.stop()
    await this.#connection.run('close').catch(() => {})
    this.#connection.close()
  }

  async #run(command: string, input: object = {}): Promise<unknown> {
    try {
      const answer = await this.#connection.run(command, input)
      const { at, isEnded } = fieldsOf(answer)
      if (isEnded === true) this.#connection.lose('the session has ended on the server')
      this.#lastSeen.recordAnswer(at)
      return answer
    } catch (error) {
      if (this.#connection.lost !== undefined) throw error
      throw sessionError(
        this.#options.url,
        `has refused a command: ${messageOf(error)}.`,
        'Let this user run EVAL on the keys {portslice:*}; `npx portslice doctor` shows whether the coordinator can be used.',
        error,
      )
    }
  }
}

/** Changes if the data may have become older: with each start, and when a replica takes over. */
function identityOf(info: string): string {
  return `${field(info, 'run_id')} ${field(info, 'master_replid')}`
}

/** After a failover, a server may not know the latest sessions, and two processes could hold a slice. */
function refuseUnsuitable(info: string, url: string): void {
  const mode = field(info, 'redis_mode')
  if (mode === 'sentinel') {
    throw sessionError(
      url,
      'is a Sentinel, which has no data.',
      'Give the URL of the primary server itself. After a failover, give the URL of the new primary server. Its copy may be older, so portslice does not switch to it automatically.',
    )
  }
  if (mode === 'cluster') {
    throw sessionError(
      url,
      'is a node of a Redis Cluster, where a failover may lose the latest writes.',
      'Give the URL of a single Redis server, or use PostgreSQL.',
    )
  }
  if (field(info, 'role') === 'slave') {
    throw sessionError(
      url,
      'is a replica, which cannot record ports.',
      'Give the URL of the primary server.',
    )
  }
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
}

function isPortNumber(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= 65_535
}

function isState(value: unknown): boolean {
  return value === 'out' || value === 'leaked' || value === 'quarantined'
}

function connectError(url: string, error: unknown) {
  if (error instanceof Error && error.name.startsWith('PortsliceError')) return error
  const message = messageOf(error)
  const advice = /WRONGPASS|NOAUTH/.test(message)
    ? 'Check the user and the password in the URL.'
    : /certificate|TLS|SSL/i.test(message)
      ? 'Let Node trust the certificate of the server: set NODE_EXTRA_CA_CERTS to the file of its certification authority.'
      : /max number of clients/.test(message)
        ? 'Raise maxclients of the server, or run fewer processes at once: each needs two connections.'
        : 'Check that the server runs, and that this machine may connect to it.'
  return sessionError(url, `cannot be used: ${message}.`, advice, error)
}
