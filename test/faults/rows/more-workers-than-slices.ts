import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { ownSlices } from '../../support/own-slices.ts'
import type { TestProcess } from '../../support/process.ts'
import type { Fault, Tried } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Plan, Turn } from '../processes/have-turns.ts'

/** ms */
const DURING = { short: 18_000, long: 120_000 }
/**
 * The longest wait, as a multiple of the fair one: of what each worker waits for a turn when all
 * have the same number of turns. About twice is measured alone; the rest is for a machine that does much else.
 */
const TIMES_FAIR = 4
/** The defaults of an allocator and of a claim, in ms. */
const WAIT_TIMEOUT = 10_000
const CLAIM_TIMEOUT = 60_000

interface Crush {
  what: string
  workers: number
  slices: number
  /** ms */
  turn: number
  isClaim?: boolean
  isProcessPerTurn?: boolean
}

const CRUSHES: readonly Crush[] = [
  { what: '8 workers, 4 slices, turns of 1 s', workers: 8, slices: 4, turn: 1000 },
  { what: '8 workers, 1 slice, turns of 0.3 s', workers: 8, slices: 1, turn: 300 },
  {
    what: '6 workers, 2 slices, a process for each turn of 0.3 s',
    workers: 6,
    slices: 2,
    turn: 300,
    isProcessPerTurn: true,
  },
  {
    what: '8 claimers of one port, turns of 0.3 s',
    workers: 8,
    slices: 1,
    turn: 300,
    isClaim: true,
  },
]

export const moreWorkersThanSlices: Fault = {
  fault: 'more workers than slices, short turns',
  provoked: CRUSHES.map(({ what }) => what).join('; '),
  must: `every worker gets its turn: none fails within the default time-outs, and none waits longer than ${TIMES_FAIR} times the fair wait`,
  async run({ short, folder }) {
    const during = DURING[short ? 'short' : 'long']
    const tried: Tried[] = []
    // One after the other when it counts; at once where time does.
    for (const batch of short ? [CRUSHES] : CRUSHES.map((crush) => [crush])) {
      const attempts = batch.map((crush) => {
        const own = path.join(folder, crush.what.replaceAll(/\W+/g, '-'))
        mkdirSync(own)
        return crowdOut(crush, during, own)
      })
      tried.push(...(await Promise.all(attempts)))
    }
    return {
      times: tried.reduce((sum, { times }) => sum + times, 0),
      observed: tried.map(({ observed }) => observed).join('; '),
      broken: tried.flatMap(({ broken }) => broken),
    }
  },
}

async function crowdOut(crush: Crush, during: number, folder: string): Promise<Tried> {
  const { what, workers, slices, turn, isClaim = false, isProcessPerTurn = false } = crush
  await using own = await ownSlices(slices)
  await using group = new FaultProcesses(folder)
  const lockDirectory = path.join(folder, 'locks')
  const waitTimeout = isClaim ? CLAIM_TIMEOUT : WAIT_TIMEOUT
  const plan: Plan = {
    ...(isClaim ? { claim: own.range[0] } : { options: { range: own.range, lockDirectory } }),
    waitTimeout,
    turn,
    once: isProcessPerTurn,
  }
  const env = { PORTSLICE_LOCK_DIR: lockDirectory }
  const start = performance.now()
  const end = start + during
  const turns: Turn[] = []

  const work = async (): Promise<void> => {
    let member: TestProcess | undefined
    while (performance.now() < end) {
      member ??= group.start('have-turns', plan, { env })
      turns.push(await member.hear<Turn>())
      if (!isProcessPerTurn) continue
      await member.untilEnded()
      member = undefined
    }
    // It may have begun to wait once more.
    member?.tell('end')
    await member?.untilEnded()
  }
  await Promise.all(Array.from({ length: workers }, work))

  const served = turns.filter(({ refused }) => refused === undefined)
  const refused = turns.length - served.length
  const fair = (during * workers) / served.length
  const longest = Math.max(...turns.map(({ waited }) => waited))
  const times = (longest / fair).toFixed(1)
  return {
    times: served.length,
    observed: `${what}: ${served.length} turns, ${refused || 'no'} failures, the longest wait ${times} × the fair one`,
    broken: [
      // On a machine so busy that turns take many times as long, not even a fair wait is in time.
      ...(refused > 0 && TIMES_FAIR * fair < waitTimeout
        ? [`${what}: ${refused} of ${turns.length} turns failed.`]
        : []),
      ...(longest > TIMES_FAIR * fair
        ? [`${what}: one waited ${(longest / 1000).toFixed(1)} s, ${times} times the fair wait.`]
        : []),
      ...group.complaints,
    ],
  }
}
