import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Interval, overlaps, readIntervals } from 'portslice-test/support/intervals'
import type { RecordFiles } from '../suite/environment.ts'

export interface Sight {
  handedOut: number
  /** Handed out and not yet released. */
  outNow: number
  /** Handed out and not yet bound. */
  unboundNow: number
  mostOut: number
  mostUnbound: number
  /** Pairs of hand-outs of one port at the same time. */
  overlaps: number
  /** Binds that failed with EADDRINUSE. */
  refused: number
  processes: number
}

/**
 * Creates empty record files. All runs append to the same files, so the order of the lines is the
 * order of the events.
 */
export function createRecords(directory: string): RecordFiles {
  const records = {
    out: path.join(directory, 'out.ndjson'),
    unbound: path.join(directory, 'unbound.ndjson'),
    refused: path.join(directory, 'refused.txt'),
  }
  for (const file of Object.values(records)) writeFileSync(file, '')
  return records
}

/** Reads what the suites have recorded so far. */
export function summarize(records: RecordFiles): Sight {
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

/** Reports the state of the records periodically until `signal` is aborted. */
export async function watch(
  records: RecordFiles,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
  show: (sight: Sight) => void,
): Promise<void> {
  while (!signal.aborted) {
    await delay(intervalMs, undefined, { signal }).catch(() => {})
    try {
      show(summarize(records))
    } catch (error) {
      // The last line is incomplete; the next attempt reads it.
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
  // At the same moment, an end counts before a start.
  changes.sort((a, b) => (a.at === b.at ? a.by - b.by : a.at < b.at ? -1 : 1))
  let now = 0
  let most = 0
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
