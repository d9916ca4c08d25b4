/**
 * Many workers on many machines that lease ports of one host through a real PostgreSQL and Redis: prints a
 * table, and with `--write` puts it and charts into `docs/many-machines.md`. `--workers` is a list.
 *
 *   node bench/src/coordinators.ts --write
 *   node bench/src/coordinators.ts --workers 10,50
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadCoordinator } from '@portslice/core/coordinator'
import { markdownTable } from 'markdown-table'
import { CountingProxy } from 'portslice-test/support/counting-proxy'
import {
  type DatabaseServer,
  NO_HOLDER,
  PostgresServer,
  RedisServer,
  whyNoRedis,
} from 'portslice-test/support/database-server'
import { quantile, sum } from 'simple-statistics'
import { drawChart, lines } from './charts.ts'
import { machine } from './machine.ts'
import { formatMachine } from './page.ts'
import type { Chart } from './row.ts'

const PAGE = fileURLToPath(new URL('../../docs/many-machines.md', import.meta.url))
const IMAGES = new URL('../../docs/images/', import.meta.url)
const SCRIPT = fileURLToPath(new URL('processes/lease-through-coordinator.ts', import.meta.url))
const MACHINES = 10
const SLICES = 1600
const TAKES = 20
const HOST = 'bench'
/** All of it finishes within 6 minutes. */
const ENGINE_BUDGET_MS = 170_000

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '100,300,1000' },
    write: { type: 'boolean', default: false },
  },
})
const STEPS = values.workers.split(',').map(Number)
const MOST = Math.max(...STEPS)

interface Engine {
  name: string
  why: string | undefined
  start(): Promise<DatabaseServer>
  /** Of each worker. */
  connections: number
}

const ENGINES: Engine[] = [
  {
    name: 'PostgreSQL',
    why: undefined,
    connections: 1,
    start: () => {
      const max_connections = String(MOST + 20)
      return PostgresServer.start({ settings: { max_connections } })
    },
  },
  {
    name: 'Redis',
    why: whyNoRedis(),
    connections: 2,
    start: () => RedisServer.start({ settings: { maxclients: String(2 * MOST + 50) } }),
  },
]

interface Measured {
  engine: string
  workers: number
  connections: number
  slicesPerSecond: number
  sliceTimes: number[]
  refused: number
  takesPerSecond: number
  takeTimes: number[]
  /** Of a take in a held slice. */
  roundTrips: number
  /** In percent of one core, while ports are taken. */
  cpu: number
}

async function measure({ name, start, connections }: Engine, all: number): Promise<Measured> {
  await using server = await start()
  await server.markAsNew(HOST)
  const roundTrips = await roundTripsOfTake(server)
  const ofEach = all / MACHINES
  const machines = Array.from({ length: MACHINES }, (_, i) => {
    const given = [ofEach, i * ofEach, SLICES, TAKES].map(String)
    return fork(SCRIPT, [server.url, ...given], { execArgv: [] })
  })
  try {
    const begin = performance.now()
    const started = await hear<{ sliceTimes: number[]; refused: number }>(machines)
    const startSeconds = (performance.now() - begin) / 1000
    const sliceTimes = started.flatMap((each) => each.sliceTimes)
    const cpuBefore = cpuSecondsOf(server.pid)
    for (const each of machines) each.send('take')
    const taken = await hear<{ takeTimes: number[]; lasted: number }>(machines)
    const seconds = Math.max(...taken.map(({ lasted }) => lasted)) / 1000
    const takeTimes = taken.flatMap((each) => each.takeTimes)
    const cpu = cpuSecondsOf(server.pid) - cpuBefore
    for (const each of machines) each.send('end')
    await Promise.all(machines.map((each) => once(each, 'exit')))
    return {
      engine: name,
      workers: all,
      connections: all * connections,
      slicesPerSecond: sliceTimes.length / startSeconds,
      sliceTimes,
      refused: sum(started.map(({ refused }) => refused)),
      takesPerSecond: takeTimes.length / seconds,
      takeTimes,
      roundTrips,
      cpu: (100 * cpu) / seconds,
    }
  } finally {
    for (const each of machines) each.kill('SIGKILL')
  }
}

function hear<T>(machines: readonly ChildProcess[]): Promise<T[]> {
  return Promise.all(
    machines.map(async (each) => {
      const ended = once(each, 'exit').then(([status]) => {
        throw new Error(`A machine has ended with ${status}.`)
      })
      const [message] = await Promise.race([once(each, 'message'), ended])
      return message as T
    }),
  )
}

async function roundTripsOfTake(server: DatabaseServer): Promise<number> {
  await using proxy = await CountingProxy.start(server)
  const url = proxy.through(server.url)
  const { openSession } = await loadCoordinator(url)
  const owner = randomUUID()
  const session = await openSession({ url, host: HOST, owner, holder: NO_HOLDER, onLost: () => {} })
  await session.holdSlice(0)
  const before = proxy.roundTrips
  for (let port = 1; port <= 30; port++) await session.takePorts([{ port }], 0)
  const { roundTrips } = proxy
  await session.close()
  return (roundTrips - before) / 30
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Of a process, its children (the server processes of PostgreSQL), and those of them that have ended. */
function cpuSecondsOf(pid: number): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ own: Number(name), ...statOf(name) }))
  const ticks = processes.flatMap(({ own, parent, used, usedByChildren }) =>
    own === pid ? [used, usedByChildren] : parent === pid ? [used] : [],
  )
  return sum(ticks) / TICKS_PER_SECOND
}

function statOf(name: string) {
  let fields: number[] = []
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8')
    // After the name of the program, which may contain spaces.
    fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    // It has ended.
  }
  const [, parent = 0, , , , , , , , , , user = 0, system = 0, ofChildren = 0, more = 0] = fields
  return { parent, used: user + system, usedByChildren: ofChildren + more }
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`
}

const MEASURES: Readonly<Record<string, (each: Measured) => string>> = {
  connections: ({ connections }) => String(connections),
  'slices leased a second': ({ slicesPerSecond }) => slicesPerSecond.toFixed(0),
  'time to a slice, median': ({ sliceTimes }) => ms(quantile(sliceTimes, 0.5)),
  'time to a slice, 99 %': ({ sliceTimes }) => ms(quantile(sliceTimes, 0.99)),
  'slices that were taken': ({ refused }) => String(refused),
  'takes and releases a second': ({ takesPerSecond }) => takesPerSecond.toFixed(0),
  'a take, median': ({ takeTimes }) => ms(quantile(takeTimes, 0.5)),
  'a take, 99 %': ({ takeTimes }) => ms(quantile(takeTimes, 0.99)),
  'round trips of a take': ({ roundTrips }) => roundTrips.toFixed(1),
  'processor time of the server, % of a core': ({ cpu }) => cpu.toFixed(0),
}

/** A table for each engine, narrow enough for a phone. */
function tablesOf(measured: readonly Measured[]): string {
  const tables = [...Map.groupBy(measured, ({ engine }) => engine)].map(([engine, steps]) =>
    markdownTable([
      [`${engine}, workers`, ...steps.map(({ workers }) => String(workers))],
      ...Object.entries(MEASURES).map(([name, of]) => [name, ...steps.map(of)]),
    ]),
  )
  return tables.join('\n\n')
}

function chartsOf(measured: readonly Measured[]): Chart[] {
  const byEngine = Map.groupBy(measured, ({ engine }) => engine)
  const chart = (
    file: string,
    title: string,
    series: Readonly<Record<string, (each: Measured) => number>>,
  ): Chart => {
    const data = [...byEngine].flatMap(([engine, steps]) =>
      Object.entries(series).map(([name, of]) => [`${engine}${name}`, steps.map(of)] as const),
    )
    const option = lines('steps', 'workers', STEPS, Object.fromEntries(data))
    return { file: `many-machines-${file}`, title, option }
  }
  return [
    chart('slice', 'Time until a worker has its slice, in ms', {
      ', median': ({ sliceTimes }) => quantile(sliceTimes, 0.5),
      ', 99 %': ({ sliceTimes }) => quantile(sliceTimes, 0.99),
    }),
    chart('leases', 'Slices leased, and ports taken and released, a second', {
      ', slices': ({ slicesPerSecond }) => slicesPerSecond,
      ', ports': ({ takesPerSecond }) => takesPerSecond,
    }),
    chart('connections', 'Connections of the server', { '': ({ connections }) => connections }),
    chart('cpu', 'Processor time of the server while ports are taken, in % of a core', {
      '': ({ cpu }) => cpu,
    }),
  ]
}

const measured: Measured[] = []
for (const engine of ENGINES) {
  if (engine.why !== undefined) {
    console.error(`${engine.name} is not measured: ${engine.why}.`)
    continue
  }
  let leftMs = ENGINE_BUDGET_MS
  let msOfWorker = 0
  for (const workers of STEPS) {
    if (msOfWorker * workers > leftMs) {
      console.error(`${engine.name}: ${workers} workers are left out, as they would take too long.`)
      continue
    }
    const begin = performance.now()
    measured.push(await measure(engine, workers))
    const took = performance.now() - begin
    leftMs -= took
    msOfWorker = took / workers
  }
}
const facts = formatMachine(machine()).split('\n')
const text = `${facts.map((fact) => `- ${fact}`).join('\n')}

${tablesOf(measured)}`
console.log(text)
const charts = chartsOf(measured).map((chart) => ({ ...chart, svg: drawChart(chart) }))
if (values.write) {
  for (const { file, svg } of charts) writeFileSync(new URL(`${file}.svg`, IMAGES), svg)
  const pictures = charts.map(({ title, file }) => `![${title}](images/${file}.svg)`).join('\n\n')
  const [begin, end] = ['<!-- measured: begin -->', '<!-- measured: end -->']
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest = ''] = page.split(begin)
  const body = `${text}\n\n${pictures}`
  writeFileSync(PAGE, `${before}${begin}\n\n${body}\n\n${end}${rest.split(end)[1] ?? ''}`)
}
