import path from 'node:path'
import { overlaps } from '../../support/intervals.ts'
import { ownSlices } from '../../support/own-slices.ts'
import type { Fault } from '../fault.ts'
import { startAllocators } from '../fault-processes.ts'

/** For each process, until the last one knows when to begin. */
const HEAD_START_NS = 1_000_000n
/** Only a process that hangs takes so long. */
const WAIT_TIMEOUT_MS = 100_000

/** Enough even if other programs use some of the slices. */
const ALL_UNPRIVILEGED = [1024, 32_767] as const

/** All processes and allocators want the same slice first. */
async function allAtOnce(
  folder: string,
  { processes, each, short }: { processes: number; each: number; short: boolean },
): Promise<{ distinct: number; slowest: number; broken: string[] }> {
  await using stack = new AsyncDisposableStack()
  const workers = (await startAllocators(processes, folder)).map((one) => stack.use(one))
  const count = Math.ceil(processes * each * 1.1)
  const range = short
    ? stack.use(await ownSlices(count, undefined, { mayBeUsed: true })).range
    : ALL_UNPRIVILEGED
  const options = {
    range,
    lockDirectory: path.join(folder, 'locks'),
    workerId: 1,
    waitTimeout: WAIT_TIMEOUT_MS,
  }
  const at = String(process.hrtime.bigint() + BigInt(processes) * HEAD_START_NS)
  const opened = await Promise.all(
    workers.map((worker) => worker.open(options, { count: each, at })),
  )
  const leased = opened.flatMap((one) => one.slices)
  const distinct = new Set(leased).size
  await Promise.all(workers.map((worker) => worker.take(1)))
  await Promise.all(workers.map((worker) => worker.command({ do: 'serve' })))
  const found = overlaps(workers.flatMap((worker) => worker.intervals()))

  // So that the whole range is free for the next run.
  await Promise.all(workers.map((worker) => worker.command({ do: 'close' })))
  return {
    distinct,
    slowest: Math.max(...opened.map(({ took }) => took)),
    broken: [
      ...(leased.length === processes * each && distinct === leased.length
        ? []
        : [`${processes * each} allocators had ${distinct} slices.`]),
      ...found
        .slice(0, 5)
        .map(([one, other]) => `Port ${one.port}: ${one.holder} and ${other.holder}.`),
    ],
  }
}

export const processesAtOnce: Fault = {
  fault: 'many processes start at the same instant',
  provoked:
    'up to 200 processes of one checkout that begin at one tick of the clock, all with the same worker id',
  must: 'each gets a slice and a port of its own',
  async run({ short, folder }) {
    const processes = short ? 16 : 200
    const { distinct, slowest, broken } = await allAtOnce(folder, {
      processes,
      each: 1,
      short,
    })
    return {
      times: processes,
      observed: `${distinct} slices of their own; the slowest waited ${slowest.toFixed(0)} ms`,
      broken,
    }
  },
}

export const hundredsOfSlices: Fault = {
  fault: 'hundreds of slices are leased at once',
  provoked:
    'up to 700 allocators in several processes, made at the same instant and held together, each with a port that is served',
  must: 'each gets a slice and a port of its own',
  async run({ short, folder }) {
    const shape = short ? { processes: 2, each: 30 } : { processes: 7, each: 100 }
    const allocators = shape.processes * shape.each
    const { distinct, slowest, broken } = await allAtOnce(folder, {
      ...shape,
      short,
    })
    return {
      times: allocators,
      observed: `${distinct} slices held at once; the last was leased after ${slowest.toFixed(0)} ms`,
      broken,
    }
  },
}
