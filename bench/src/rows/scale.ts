import path from 'node:path'
import { median } from 'simple-statistics'
import { lines } from '../charts.ts'
import type { HoldSlices } from '../processes/hold-slices.ts'
import type { LeaseAtOnce } from '../processes/lease-at-once.ts'
import type { SliceInFullRange } from '../processes/slice-in-full-range.ts'
import type { Waiters } from '../processes/wait-for-ports.ts'
import { startReady } from '../ready-processes.ts'
import type { Chart, Measured, Row, Table, Target } from '../row.ts'
import { figure, type Stats, statsOf, withQuartiles } from '../stats.ts'

const SLICE_SIZE = 32
const FIRST_PORT = 1024
/** 700 slices, below the ephemeral range. */
const RANGE_SLICES = 700
const RANGE = [FIRST_PORT, FIRST_PORT + RANGE_SLICES * SLICE_SIZE - 1] as const
/** For slices at once: not all of them are available where other processes hold some. */
const WIDE_RANGE = [FIRST_PORT, 32_767] as const
const SLICES_PER_PROCESS = 100
/** A point this much above the one before, for each slice or waiter, is a step. */
const MAX_STEP = 2

interface Curve {
  readonly file: string
  readonly title: string
  readonly across: string
  readonly sizes: readonly number[]
  readonly stats: readonly Stats[]
  /** By what the times are divided to see whether they grow. */
  readonly by: (size: number) => number
}

export const scale: Row = {
  name: 'Many slices, a full range, many waiters',
  how: `How the time to a slice grows, in three curves. "Slices": processes with up to ${SLICES_PER_PROCESS} slices each lease them all at
the same moment; timed until the last slice is leased. "Slices held": a process leases a slice of a range of ${RANGE_SLICES}, of which the
given number are held. "Waiters": many calls of one process wait for a port of one slice, and each gives its port back at
once. A step is a point that takes more than ${MAX_STEP} times as long as the point before, per slice or waiter; for "slices held", in total.`,
  async run({ short, folder }): Promise<Measured> {
    const rounds = short ? 1 : 5
    const curves: Curve[] = []
    const curve = async (
      parts: Omit<Curve, 'stats'>,
      measure: (size: number, folder: string) => Promise<number[]>,
    ) => {
      const stats: Stats[] = []
      for (const size of parts.sizes) {
        const into = path.join(folder, `${parts.file}-${size}`)
        stats.push(statsOf(await measure(size, into)))
      }
      curves.push({ ...parts, stats })
    }
    await curve(
      {
        file: 'performance-at-once',
        title: 'So many slices at once: until all are leased, ms',
        across: 'slices',
        sizes: short ? [10, 50] : [50, 100, 200, 400, 700],
        by: (size) => size,
      },
      async (size, lockDirectory) => {
        await using group = await startReady('lease-at-once', leasePlans(size), { lockDirectory })
        const taken: number[] = []
        for (let round = 0; round <= rounds; round++) {
          taken.push(Math.max(...(await group.run<number>())))
        }
        return taken.slice(1)
      },
    )
    await curve(
      {
        file: 'performance-full-range',
        title: `A slice of a range of ${RANGE_SLICES}, so many of which are held, ms`,
        across: 'slices held',
        sizes: short ? [0, 100] : [0, 100, 200, 350, 500, 600, 660, 693],
        by: () => 1,
      },
      async (size, lockDirectory) => {
        await using _holders = await startReady('hold-slices', holdPlans(size), { lockDirectory })
        const plan: SliceInFullRange = { range: RANGE, times: short ? 5 : 100 }
        await using group = await startReady('slice-in-full-range', [plan], { lockDirectory })
        const [taken] = (await group.run<number[]>()) as [number[]]
        return taken
      },
    )
    await curve(
      {
        file: 'performance-waiters',
        title: 'So many waiters for the ports of one slice: until all have had one, ms',
        across: 'waiters',
        sizes: short ? [50, 100] : [50, 100, 200, 500, 1000],
        by: (size) => size,
      },
      async (size, lockDirectory) => {
        const plan: Waiters = { range: [FIRST_PORT, FIRST_PORT + SLICE_SIZE - 1], waiters: size }
        const taken: number[] = []
        for (let round = 0; round <= rounds; round++) {
          const into = path.join(lockDirectory, String(round))
          await using group = await startReady('wait-for-ports', [plan], { lockDirectory: into })
          taken.push(((await group.run<number>()) as [number])[0])
        }
        return taken.slice(1)
      },
    )
    return {
      tables: curves.map(table),
      targets: curves.map(target),
      charts: curves.map(chart),
    }
  },
}

function table({ title, across, sizes, stats, by }: Curve): Table {
  return {
    caption: `${title}; median and quartiles`,
    head: [across, 'median (quartiles)', 'µs each'],
    rows: sizes.map((size, index) => {
      const at = stats[index] as Stats
      return [String(size), withQuartiles(at), figure((at.median * 1000) / by(size))]
    }),
  }
}

function target({ across, sizes, stats, by }: Curve): Target {
  const each = stats.map((at, index) => at.median / by(sizes[index] as number))
  const steps = each.slice(1).map((value, index) => value / (each[index] as number))
  const most = Math.max(...steps)
  const at = sizes[steps.indexOf(most) + 1] as number
  return {
    target: `no step: ${across}`,
    measured: `at most ${figure(most)} × the point before, at ${at}; the last point ${figure((each.at(-1) as number) / median(each))} × the median of all`,
    met: most <= MAX_STEP,
  }
}

function chart({ file, title, across, sizes, stats }: Curve): Chart {
  const series = { median: stats.map((at) => Number(figure(at.median))) }
  return { file, title, option: lines('even', across, sizes, series) }
}

function leasePlans(size: number): LeaseAtOnce[] {
  return chunks(size).map(([first, slices]) => ({ range: WIDE_RANGE, slices, workerId: first + 1 }))
}

function holdPlans(size: number): HoldSlices[] {
  return chunks(size).map(([first, slices]) => ({ range: RANGE, slices, workerId: first + 1 }))
}

/** Of each process, the first slice and the number of slices. */
function chunks(size: number): [first: number, slices: number][] {
  const found: [number, number][] = []
  for (let first = 0; first < size; first += SLICES_PER_PROCESS) {
    found.push([first, Math.min(SLICES_PER_PROCESS, size - first)])
  }
  return found
}
