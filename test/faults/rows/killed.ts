import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAllocator } from '@portslice/core'
import { type Interval, overlaps, readIntervals } from '../../support/intervals.ts'
import { ownSlices } from '../../support/own-slices.ts'
import type { TestProcess } from '../../support/process.ts'
import type { Fault } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Plan } from '../processes/take-until-killed.ts'

const WORKERS = 8
/** Every nth worker starts an app that outlives it. */
const ORPHAN_ONE_IN = 2
/**
 * How long after the kill of its holder a port must not be handed out. Less than the quarantine of 30 s,
 * which starts when the death is discovered, so after the kill.
 */
const QUARANTINE_NS = 25_000_000_000n
/** Until an orphaned app has bound its port and let it go again. */
const ORPHAN_MS = 5600
/** A lock of unclear origin takes 10 s. */
const SLICE_RETURN_TIMEOUT_MS = 40_000

interface OrphanNote {
  pid: number
  port: number
  bound?: boolean
  why?: string
}

export const killed: Fault = {
  fault: 'SIGKILL of workers at random moments',
  provoked: `${WORKERS} workers that take, bind late and release are killed at random, also while they start, and started again; some leave an app behind that binds its port 5 s later`,
  must: 'no overlap, every slice comes back, and what was out is left alone for 30 s',
  async run({ short, folder }) {
    const kills = short ? 18 : 500
    await using slices = await ownSlices(short ? 40 : 120, [10_016, 32_767])
    const lockDirectory = path.join(folder, 'locks')
    const notes = path.join(folder, 'intervals.ndjson')
    const orphanNotes = path.join(folder, 'orphans.ndjson')
    for (const file of [notes, orphanNotes]) appendFileSync(file, '')
    await using group = new FaultProcesses(folder)

    let started = 0
    const start = (isToDie: boolean) => {
      const plan: Plan = {
        // The same worker id for all: they try the same slices, with the ports of dead holders.
        options: { range: slices.range, lockDirectory, workerId: 1, waitTimeout: 30_000 },
        atOnce: 6,
        bindAfter: 60,
        notes,
        ...(isToDie && started++ % ORPHAN_ONE_IN === 0 && { orphanNotes }),
      }
      return group.start('take-until-killed', plan)
    }
    let left = kills
    const killRepeatedly = async (): Promise<TestProcess> => {
      for (;;) {
        const isToDie = left-- > 0
        const member = start(isToDie)
        if (!isToDie) return member
        // One in three at a moment of its start, the others while they have ports out.
        if (Math.random() < 0.67) await member.hear()
        await sleep(Math.random() * 400)
        member.kill()
        await member.ended
      }
    }
    const survivors = await Promise.all(Array.from({ length: WORKERS }, killRepeatedly))
    // During the quarantine, other processes try to get the ports of those that were killed last.
    await sleep(short ? ORPHAN_MS : Number(QUARANTINE_NS / 1_000_000n))
    for (const member of survivors) member.tell('end')
    await Promise.all(survivors.map((member) => member.untilEnded()))
    const orphans = await untilOrphansAreDone(orphanNotes)
    const lost = await slicesThatDoNotComeBack(slices.range, lockDirectory)

    const killedAt = new Map(group.members.map((member) => [member.pid, member.killedAt]))
    const intervals = readIntervals(notes).map((interval): Interval => {
      const at = killedAt.get(Number.parseInt(interval.holder, 10))
      return interval.to === undefined && at ? { ...interval, to: at + QUARANTINE_NS } : interval
    })
    const unhappy = orphans.filter(({ bound }) => bound !== true)
    const clashes = overlaps(intervals)
    return {
      times: kills,
      observed: `${clashes.length || 'no'} overlaps in ${intervals.length} hand-outs, ${orphans.length - unhappy.length} of ${orphans.length} orphaned apps bound their port 5 s after the kill, ${slices.count - lost.length} of ${slices.count} slices came back`,
      broken: [
        ...clashes
          .slice(0, 10)
          .map(
            ([one, other]) => `Port ${one.port} was out twice: ${one.holder} and ${other.holder}.`,
          ),
        ...unhappy.map(
          ({ port, why }) =>
            `An orphaned app did not get its port ${port}: ${why ?? 'it never said'}.`,
        ),
        ...(orphans.length === 0 ? ['No app was orphaned: nothing was tried.'] : []),
        ...lost,
        ...group.complaints,
      ],
    }
  },
}

/** Waits until each orphan has recorded its result, and returns the last line of each. */
async function untilOrphansAreDone(file: string): Promise<OrphanNote[]> {
  for (let left = ORPHAN_MS * 10; ; left -= 100) {
    const last = new Map<number, OrphanNote>()
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    for (const line of lines.filter(Boolean)) {
      const note = JSON.parse(line) as OrphanNote
      last.set(note.pid, note)
    }
    const all = [...last.values()]
    if (left <= 0 || all.every(({ bound }) => bound !== undefined)) return all
    await sleep(100)
  }
}

async function slicesThatDoNotComeBack(
  [first, last]: readonly [number, number],
  lockDirectory: string,
): Promise<string[]> {
  const starts = Array.from({ length: (last + 1 - first) / 32 }, (_, index) => first + index * 32)
  const answers = await Promise.all(
    starts.map(async (start) => {
      const range = [start, start + 31] as const
      try {
        await (
          await createAllocator({ range, lockDirectory, waitTimeout: SLICE_RETURN_TIMEOUT_MS })
        ).close()
        return []
      } catch (error) {
        return [`Slice ${start} did not come back: ${(error as Error).message}`]
      }
    }),
  )
  return answers.flat()
}
