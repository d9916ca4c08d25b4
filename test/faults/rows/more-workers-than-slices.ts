import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { ownSlices } from '../../support/own-slices.ts'
import type { TestProcess } from '../../support/process.ts'
import type { Fault, Tried } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Event, Plan } from '../processes/wait-for-turns.ts'

const DURATION_MS = { short: 15_000, long: 120_000 }
/**
 * The most turns that others may have while one waits, as a multiple of what is fair: one for each
 * worker. About twice is measured on an idle machine.
 */
const TIMES_FAIR = 6
/** The defaults of an allocator and of a claim; more on a machine on which turns take far longer. */
const WAIT_TIMEOUT_MS = 10_000
const CLAIM_TIMEOUT_MS = 60_000

interface Competition {
  what: string
  workers: number
  slices: number
  turnMs: number
  isClaim?: boolean
  isProcessPerTurn?: boolean
}

const COMPETITIONS: readonly Competition[] = [
  { what: '8 workers, 4 slices, turns of 1 s', workers: 8, slices: 4, turnMs: 1000 },
  { what: '8 workers, 1 slice, turns of 0.3 s', workers: 8, slices: 1, turnMs: 300 },
  {
    what: '6 workers, 2 slices, a process for each turn of 0.3 s',
    workers: 6,
    slices: 2,
    turnMs: 300,
    isProcessPerTurn: true,
  },
  {
    what: '8 claimers of one port, turns of 0.3 s',
    workers: 8,
    slices: 1,
    turnMs: 300,
    isClaim: true,
  },
]

export const moreWorkersThanSlices: Fault = {
  fault: 'more workers than slices, short turns',
  provoked: COMPETITIONS.map(({ what }) => what).join('; '),
  must: `every worker gets its turn: none fails within the default time-outs, and while one waits, others have at most ${TIMES_FAIR} times as many turns as is fair`,
  async run({ short, folder }) {
    const during = DURATION_MS[short ? 'short' : 'long']
    const tried: Tried[] = []
    // The short form runs them in parallel to save time; the long one does not, so that they do not disturb each other.
    for (const batch of short ? [COMPETITIONS] : COMPETITIONS.map((competition) => [competition])) {
      const attempts = batch.map((competition) => {
        const own = path.join(folder, competition.what.replaceAll(/\W+/g, '-'))
        mkdirSync(own)
        return compete(competition, during, own)
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

async function compete(competition: Competition, during: number, folder: string): Promise<Tried> {
  const { what, workers, slices, turnMs, isClaim = false, isProcessPerTurn = false } = competition
  await using own = await ownSlices(slices)
  await using group = new FaultProcesses(folder)
  const lockDirectory = path.join(folder, 'locks')
  const plan: Plan = {
    ...(isClaim ? { claim: own.range[0] } : { options: { range: own.range, lockDirectory } }),
    waitTimeoutMs: isClaim ? CLAIM_TIMEOUT_MS : WAIT_TIMEOUT_MS,
    turnMs,
    once: isProcessPerTurn,
  }
  const end = performance.now() + during
  let served = 0
  let mostOvertaken = 0
  const refused: string[] = []

  const work = async (): Promise<void> => {
    let member: TestProcess | undefined
    while (performance.now() < end) {
      member ??= group.start('wait-for-turns', plan, { lockDirectory })
      await member.hear<Event>()
      const before = served
      const event = await member.hear<Event>()
      if (event === 'served') served++
      else refused.push(event)
      // Its own turn is not one of the others.
      mostOvertaken = Math.max(mostOvertaken, served - 1 - before)
      if (!isProcessPerTurn) continue
      await member.untilEnded()
      member = undefined
    }
    // It may have started to wait again.
    member?.tell('end')
    await member?.untilEnded()
  }
  await Promise.all(Array.from({ length: workers }, work))

  const timesFair = mostOvertaken / workers
  // If turns take much longer than planned, even a fair wait exceeds the time-out.
  const isSlow = (during * workers * TIMES_FAIR) / served > plan.waitTimeoutMs
  return {
    times: served,
    observed: `${what}: ${served} turns, ${refused.length || 'no'} failures, during the longest wait others had ${timesFair.toFixed(1)} × as many turns as is fair`,
    broken: [
      ...(refused.length > 0 && !isSlow ? [`${what}: ${refused.length} turns failed.`] : []),
      ...(timesFair > TIMES_FAIR
        ? [`${what}: others had ${mostOvertaken} turns while one of ${workers} workers waited.`]
        : []),
      ...group.complaints,
    ],
  }
}
