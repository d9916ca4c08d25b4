import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { overlaps, readIntervals } from '../../support/intervals.ts'
import { ownSlices } from '../../support/own-slices.ts'
import { runNode } from '../../support/process.ts'
import type { Fault, Outcome } from '../fault.ts'
import { startAllocator } from '../fault-processes.ts'
import type { Churned, ChurnPlan } from '../processes/churn.ts'

const WORKERS = 4
/** Only a process that hangs takes so long. */
const CHURN_TIMEOUT_MS = 240_000

async function provoke(
  script: string,
  folder: string,
  { ends, longest }: { ends: number; longest: number },
): Promise<Outcome> {
  // A worker that is ended leaves one port in quarantine; there is room for all of them.
  await using slices = await ownSlices(WORKERS * 2 + Math.ceil(ends / 20))
  const notes = path.join(folder, 'notes')
  mkdirSync(notes)
  const options = {
    range: slices.range,
    lockDirectory: path.join(folder, 'locks'),
    workerId: 1,
    waitTimeout: 30_000,
  }
  const plan: ChurnPlan = { options, folder: notes, workers: WORKERS, ends, longest }
  const file = fileURLToPath(new URL(`../processes/${script}`, import.meta.url))
  const { status, stdout, stderr } = await runNode([file, JSON.stringify(plan)], {
    cwd: folder,
    timeout: CHURN_TIMEOUT_MS,
  })
  if (status !== 0) throw new Error(`It ended with ${status}: ${stderr}`)
  const { handOuts, withPortOut, failures } = JSON.parse(stdout) as Churned
  const intervals = readIntervals(...readdirSync(notes).map((name) => path.join(notes, name)))

  const shared = overlaps(intervals)

  await using heir = await startAllocator(folder)
  const { slices: back, took } = await heir.open(options, { count: slices.count })
  return {
    times: ends,
    observed: `${shared.length || 'no'} overlaps in ${handOuts} hand-outs, ${withPortOut} ended with a port out; ${new Set(back).size} of ${slices.count} slices were leased again within ${took.toFixed(0)} ms`,
    broken: [
      ...shared.slice(0, 5).map(([a, b]) => `Port ${a.port}: ${a.holder} and ${b.holder}.`),
      ...(new Set(back).size === slices.count ? [] : ['Some slices were leased twice.']),
      ...failures.map((why) => `A worker failed: ${why}`),
      ...(handOuts > ends / 2 ? [] : [`Only ${handOuts} ports were handed out at all.`]),
      ...(withPortOut > 0 ? [] : ['No worker was ended with a port out.']),
    ],
  }
}

export const threadsTerminated: Fault = {
  fault: 'worker threads are terminated',
  provoked: `${WORKERS} threads of one process that take, serve and release are terminated at random moments and replaced`,
  must: 'no overlap, and all slices come back',
  run: ({ short, folder }) =>
    provoke('churn-threads.ts', folder, { ends: short ? 20 : 1000, longest: 200 }),
}

export const clusterWorkersKilled: Fault = {
  fault: 'cluster workers are killed and forked again',
  provoked: `${WORKERS} workers of a Node cluster that take, serve and release are killed at random moments and replaced`,
  must: 'no overlap, and all slices come back',
  run: ({ short, folder }) =>
    provoke('churn-cluster.ts', folder, { ends: short ? 12 : 400, longest: 200 }),
}
