import os from 'node:os'
import path from 'node:path'
import { mean, min } from 'simple-statistics'
import { lines } from '../charts.ts'
import { inTurns } from '../compare.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row, Target } from '../row.ts'
import { figure, statsOf, withQuartiles } from '../stats.ts'

const BARE = 'bare listen(0)'
const SOURCES = ['portslice', 'get-port', BARE] as const
type Source = (typeof SOURCES)[number]

interface Point {
  processes: number
  /** Operations per second of all processes, for each round. */
  total: readonly number[]
  /** The share of the slowest process in the mean, for each round. */
  slowest: readonly number[]
}

/** The part of the ideal speed-up by more cores that counts as growth. */
const MIN_GROWTH = 0.5
/** The part of the maximum throughput that must remain with more processes. */
const MIN_REMAINING = 0.75

export const manyProcesses: Row = {
  name: 'Many processes that take and release as fast as possible',
  how: `Several processes start at the same moment, each with its slice leased or its library loaded. All take and
release for the same time, and the number of times is counted. "Slowest" is the number of the slowest process, divided
by the mean of all. A bare \`listen(0)\` and \`close\` shows what the machine itself loses when there are more processes than
cores. The total "grows with the cores" if each further core adds on average at least ${MIN_GROWTH * 100} % of what one process does alone; it
"stays flat" if with more processes it never falls below ${MIN_REMAINING * 100} % of its maximum.`,
  async run({ short, folder }): Promise<Measured> {
    const sizes = short ? [1, 2, 4] : [1, 2, 4, 8, 16, 32, 64]
    const rounds = short ? 1 : 3
    const durationMs = short ? 300 : 500
    const points: Record<Source, Point[]> = { portslice: [], 'get-port': [], [BARE]: [] }
    for (const processes of sizes) {
      const slowest: Record<Source, number[]> = { portslice: [], 'get-port': [], [BARE]: [] }
      const total = await inTurns(SOURCES, rounds, async (source) => {
        const plans = Array.from({ length: processes }, () => ({ source, durationMs }))
        const lockDirectory = path.join(folder, 'locks')
        await using group = await startReady('take-and-count', plans, { lockDirectory })
        const counts = await group.run<number>()
        slowest[source].push(min(counts) / mean(counts))
        return (mean(counts) * processes * 1000) / durationMs
      })
      for (const source of SOURCES) {
        // A warm-up round.
        const counted = slowest[source].slice(1)
        points[source].push({ processes, total: total[source], slowest: counted })
      }
    }
    return {
      tables: [
        {
          caption: `Takes and releases per second of all processes; median and quartiles of ${rounds} rounds`,
          head: [
            'processes',
            ...SOURCES,
            '× get-port',
            ...SOURCES.map((name) => `slowest, ${name}`),
          ],
          rows: sizes.map((size, index) => {
            const at = SOURCES.map((source) => points[source][index] as Point)
            const [ours, theirs] = at.map(({ total }) => statsOf(total).median) as [number, number]
            return [
              String(size),
              ...at.map(({ total }) => withQuartiles(statsOf(total))),
              figure(ours / theirs),
              ...at.map(({ slowest }) => figure(statsOf(slowest).median)),
            ]
          }),
        },
      ],
      targets: targets(points),
      charts: [
        {
          file: 'performance-many-processes',
          title: 'Takes and releases per second of all processes',
          option: lines(
            'steps',
            'processes',
            sizes,
            Object.fromEntries(
              SOURCES.map((name) => [
                name,
                points[name].map(({ total }) => Math.round(statsOf(total).median)),
              ]),
            ),
          ),
        },
      ],
    }
  },
}

/** The speed-up on all cores, and the part of the maximum that remains with more processes. */
function scaling(points: readonly Point[], cores: number) {
  const totalOf = ({ total }: Point) => statsOf(total).median
  const one = totalOf(points[0] as Point)
  const onAll = points.filter(({ processes }) => processes <= cores).at(-1) as Point
  const growth = totalOf(onAll) / one
  const beyond = points.filter(({ processes }) => processes > onAll.processes)
  const most = Math.max(...points.map(totalOf))
  const least = beyond.length === 0 ? 1 : Math.min(...beyond.map(totalOf)) / most
  return { onAll: onAll.processes, growth, least }
}

function targets(points: Readonly<Record<Source, readonly Point[]>>): Target[] {
  const cores = os.availableParallelism()
  const { onAll, growth, least } = scaling(points.portslice, cores)
  const theirs = scaling(points['get-port'], cores)
  const bare = scaling(points[BARE], cores)
  const slowest = Math.min(...points.portslice.map((point) => statsOf(point.slowest).median))
  return [
    {
      target: 'grows with the cores',
      measured: `${figure(growth)} × one process, with ${onAll} on ${cores} cores; get-port ${figure(theirs.growth)} ×, a bare listen ${figure(bare.growth)} ×`,
      met: growth >= 1 + (onAll - 1) * MIN_GROWTH,
    },
    {
      target: 'then stays flat',
      measured: `never less than ${figure(least * 100)} % of the most; get-port ${figure(theirs.least * 100)} %, a bare listen ${figure(bare.least * 100)} %`,
      met: least >= MIN_REMAINING,
    },
    {
      target: 'no process starves: the slowest has at least half of the mean',
      measured: `${figure(slowest)} of the mean`,
      met: slowest >= 0.5,
    },
  ]
}
