/**
 * Many workers on many machines that lease ports of one host through a real PostgreSQL and Redis: prints
 * tables, and with `--write` puts them into `docs/many-machines.md`. `--workers` is for each engine.
 *
 *   node bench/src/coordinators.ts --write
 *   node bench/src/coordinators.ts --workers 100
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { markdownTable } from 'markdown-table'
import {
  type DatabaseServer,
  PostgresServer,
  RedisServer,
  whyNoRedis,
} from 'portslice-test/support/database-server'
import { quantile, sum } from 'simple-statistics'
import { machine } from './machine.ts'
import { printedMachine } from './page.ts'

const PAGE = fileURLToPath(new URL('../../docs/many-machines.md', import.meta.url))
const SCRIPT = fileURLToPath(new URL('processes/lease-through-coordinator.ts', import.meta.url))
const MACHINES = 10
const SLICES = 1600
const TAKES = 20

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
  },
})
const all = Number(values.workers)

interface Engine {
  name: string
  why: string | undefined
  start(): Promise<DatabaseServer>
  connections: number
}

const ENGINES: Engine[] = [
  {
    name: 'PostgreSQL',
    why: undefined,
    connections: 1,
    start: () => {
      const max_connections = String(all + 20)
      return PostgresServer.start({ settings: { max_connections } })
    },
  },
  {
    name: 'Redis',
    why: whyNoRedis(),
    connections: 2,
    start: () => RedisServer.start({ settings: { maxclients: String(2 * all + 50) } }),
  },
]

async function measure({ name, start, connections }: Engine): Promise<string[]> {
  await using server = await start()
  await server.markAsNew('bench')
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
    return [
      name,
      String(all),
      String(all * connections),
      `${(sliceTimes.length / startSeconds).toFixed(0)}`,
      `${ms(quantile(sliceTimes, 0.5))} / ${ms(quantile(sliceTimes, 0.99))}`,
      `${sum(started.map(({ refused }) => refused))}`,
      `${(takeTimes.length / seconds).toFixed(0)}`,
      `${ms(quantile(takeTimes, 0.5))} / ${ms(quantile(takeTimes, 0.99))}`,
      `${((100 * cpu) / seconds).toFixed(0)} %`,
    ]
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

/** Of a process and those that it has started. */
function cpuSecondsOf(pid: number): number {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid=,cputimes='], { encoding: 'utf8' })
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  return sum(rows.filter(([own, parent]) => own === pid || parent === pid).map(([, , s = 0]) => s))
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`
}

const HEAD = [
  'engine',
  'workers',
  'connections',
  'slices leased a second',
  'time to a slice, median / 99 %',
  'slices that were taken',
  'takes and releases a second',
  'a take, median / 99 %',
  'processor time of the server',
]

const rows: string[][] = [HEAD]
for (const engine of ENGINES) {
  if (engine.why === undefined) rows.push(await measure(engine))
  else console.error(`${engine.name} is not measured: ${engine.why}.`)
}
const text = `${printedMachine(machine())}

${markdownTable(rows)}`
console.log(text)
if (values.write) {
  const [begin, end] = ['<!-- measured: begin -->', '<!-- measured: end -->']
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest = ''] = page.split(begin)
  writeFileSync(PAGE, `${before}${begin}\n\n${text}\n\n${end}${rest.split(end)[1] ?? ''}`)
}
