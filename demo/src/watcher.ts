/** Reads what the suites have recorded, while they run and afterwards, and looks for overlaps. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Interval, overlaps, readIntervals } from 'portslice-test/support/intervals'
import type { RecordFiles } from '../suite/surroundings.ts'

export interface Sight {
  handedOut: number
  /** Out and not yet returned; after the runs: never returned. */
  outNow: number
  /** Of those, handed out but not yet bound. */
  unboundNow: number
  mostOut: number
  mostUnbound: number
  /** Pairs of hand-outs in which two had one port at the same time. */
  overlaps: number
  /** Binds that failed with EADDRINUSE. */
  refused: number
  processes: number
}

/**
 * New, empty records. All runs write to the same files: lines are appended in the order of what
 * happened, so that what is read while they run is never a return short of a later hand-out.
 */
export function newRecords(folder: string): RecordFiles {
  const records = {
    out: path.join(folder, 'out.ndjson'),
    unbound: path.join(folder, 'unbound.ndjson'),
    refused: path.join(folder, 'refused.txt'),
  }
  for (const file of Object.values(records)) writeFileSync(file, '')
  return records
}

export function look(records: RecordFiles): Sight {
  const out = readIntervals(records.out)
  const unbound = readIntervals(records.unbound)
  return {
    handedOut: out.length,
    outNow: out.filter(isOpen).length,
    unboundNow: unbound.filter(isOpen).length,
    mostOut: mostAtOnce(out),
    mostUnbound: mostAtOnce(unbound),
    overlaps: overlaps(out).length,
    refused: readFileSync(records.refused, 'utf8').split('\n').length - 1,
    processes: new Set(out.map(({ holder }) => holder.split('-')[0])).size,
  }
}

/** Looks every so many ms until `signal` is aborted. */
export async function watch(
  records: RecordFiles,
  { every, signal }: { every: number; signal: AbortSignal },
  show: (sight: Sight) => void,
): Promise<void> {
  while (!signal.aborted) {
    await delay(every, undefined, { signal }).catch(() => {})
    try {
      show(look(records))
    } catch (error) {
      // A line that is just being written; it is whole at the next look.
      if (!(error instanceof SyntaxError)) throw error
    }
  }
}

function isOpen({ to }: Interval): boolean {
  return to === undefined
}

function mostAtOnce(intervals: readonly Interval[]): number {
  const changes = intervals.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    ...(to === undefined ? [] : [{ at: to, by: -1 }]),
  ])
  // An end and a start at the same moment are not at once.
  changes.sort((a, b) => (a.at === b.at ? a.by - b.by : a.at < b.at ? -1 : 1))
  let now = 0
  let most = 0
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
