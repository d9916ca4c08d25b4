import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { ownSlices } from '../../support/own-slices.ts'
import type { Fault } from '../fault.ts'
import { startAllocator } from '../fault-processes.ts'

/** Until both have the message; they then wait for the clock. */
const HEAD_START_NS = 5_000_000n
/** The age that a lock is given; it has no effect. */
const OLD_MS = 60_000
/** Between two rounds with a slice of a process that was just killed, not a copy of one. */
const ROUNDS_BETWEEN_KILLS = 50

export const sameCrashedSlice: Fault = {
  fault: 'two processes find the same crashed slice at the same instant',
  provoked:
    'a lock and a journal as a killed holder leaves them, every other time with an old lock; both try at one tick of the clock',
  must: 'exactly one gets it, and none of the ports that the dead one had',
  async run({ short, folder }) {
    const rounds = short ? 30 : 1000
    await using slices = await ownSlices(1)
    const slice = slices.range[0]
    const options = {
      range: slices.range,
      lockDirectory: path.join(folder, 'locks'),
      waitTimeout: 0,
    }
    await using one = await startAllocator(folder)
    await using other = await startAllocator(folder)
    const broken: string[] = []
    const won = [0, 0]
    const apart: number[] = []
    let kills = 0
    let dead: number[] = []

    for (let round = 0; round < rounds; round++) {
      rmSync(options.lockDirectory, { recursive: true, force: true })
      if (round % ROUNDS_BETWEEN_KILLS === 0) {
        dead = await leaveBehind(folder, options)
        kills++
      } else {
        putBack(folder, options.lockDirectory)
      }
      if (round % 2 === 1) makeOld(path.join(options.lockDirectory, `slice-${slice}.lock`))

      const at = String(process.hrtime.bigint() + HEAD_START_NS)
      const answers = await Promise.all(
        [one, other].map((each) => each.try({ do: 'open', options, at })),
      )
      const winners = [one, other].filter((_, i) => !answers[i]?.error)
      answers.forEach(({ error }, i) => {
        if (!error) won[i] = (won[i] ?? 0) + 1
        else if (error.code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED')
          broken.push(`Round ${round}: the loser was told "${error.message}".`)
      })
      if (winners.length !== 1) broken.push(`Round ${round}: ${winners.length} got it.`)
      for (const winner of winners) {
        const got = await winner.take(3)
        const early = got.filter((port) => dead.includes(port))
        if (early.length > 0) broken.push(`Round ${round}: ${early} were the dead one's.`)
        await winner.command({ do: 'close' })
      }
      const [first, second] = answers.map(({ openedAt }) => BigInt(openedAt)) as [bigint, bigint]
      apart.push(Math.abs(Number(first - second)) / 1000)
    }
    const median = apart.sort((a, b) => a - b)[apart.length >> 1] ?? 0
    return {
      times: rounds,
      observed: `${won[0]} and ${won[1]} times won by each, ${kills} slices left by a kill just before; the attempts began ${median.toFixed(0)} µs apart (median)`,
      broken,
    }
  },
}

/** Kills a holder with three ports out, and keeps a copy of its journal. */
async function leaveBehind(
  folder: string,
  options: { range: readonly [number, number]; lockDirectory: string },
): Promise<number[]> {
  await using holder = await startAllocator(folder)
  await holder.open({ ...options, waitTimeout: 5000 })
  await holder.take(3)
  await holder.kill()
  const left = path.join(folder, 'left')
  rmSync(left, { recursive: true, force: true })
  linkTree(options.lockDirectory, left)
  return holder.intervals().map(({ port }) => port)
}

/** The lock with its dead socket and the journal, as fresh as the holder left them. */
function putBack(folder: string, lockDirectory: string): void {
  linkTree(path.join(folder, 'left'), lockDirectory)
}

/** By hard links, as a socket cannot be copied. */
function linkTree(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, lstatSync(from).mode & 0o7777)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) linkTree(source, target)
    else linkSync(source, target)
  }
}

function makeOld(lock: string): void {
  const time = new Date(Date.now() - OLD_MS)
  utimesSync(lock, time, time)
}
