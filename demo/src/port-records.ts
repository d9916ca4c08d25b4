import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Interval, overlaps, readIntervals } from 'portslice-test/support/intervals'
import type { RecordFiles } from '../suite/environment.ts'

/** Counts of hand-outs and binds in all processes of a run. */
export interface PortStats {
  handedOut: number
  /** Handed out and not yet released. */
  currentlyOut: number
  /** Handed out and not yet bound. */
  currentlyUnbound: number
  maxOut: number
  maxUnbound: number
  /** Pairs of hand-outs of one port at the same time. */
  overlaps: number
  /** Binds that failed with EADDRINUSE. */
  failedBinds: number
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
    failedBinds: path.join(directory, 'failed-binds.txt'),
  }
  for (const file of Object.values(records)) writeFileSync(file, '')
  return records
}

/** Reads the records that the suites have written so far. */
export function summarize(records: RecordFiles): PortStats {
  const out = readIntervals(records.out)
  const unbound = readIntervals(records.unbound)
  return {
    handedOut: out.length,
    currentlyOut: out.filter(isOpen).length,
    currentlyUnbound: unbound.filter(isOpen).length,
    maxOut: maxAtOnce(out),
    maxUnbound: maxAtOnce(unbound),
    overlaps: overlaps(out).length,
    failedBinds: readFileSync(records.failedBinds, 'utf8').split('\n').length - 1,
    processes: new Set(out.map(({ holder }) => holder.split('-')[0])).size,
  }
}

/** Reports the state of the records periodically until `signal` is aborted. */
export async function watch(
  records: RecordFiles,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
  show: (stats: PortStats) => void,
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

/** The maximum number of intervals that contain the same moment. */
function maxAtOnce(intervals: readonly Interval[]): number {
  const changes = intervals.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    ...(to === undefined ? [] : [{ at: to, by: -1 }]),
  ])
  // At the same moment, an end counts before a start.
  changes.sort((a, b) => (a.at === b.at ? a.by - b.by : a.at < b.at ? -1 : 1))
  let now = 0
  let max = 0
  for (const { by } of changes) {
    now += by
    max = Math.max(max, now)
  }
  return max
}
