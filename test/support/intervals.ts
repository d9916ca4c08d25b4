/**
 * Records when which port was out, in any number of processes, and finds overlaps. A recorded interval
 * lies inside the true one, so an overlap of recorded intervals is a true overlap.
 */
import { appendFileSync, readFileSync } from 'node:fs'

/** CLOCK_MONOTONIC: one clock for all processes of the machine. Taken before a test can fake it. */
const nanoseconds = process.hrtime.bigint.bind(process.hrtime)

export interface Interval {
  port: number
  /** Different for each hand-out. */
  holder: string
  /** ns */
  from: bigint
  /** ns; missing if it was never given back. */
  to?: bigint
}

type Event = { event: 'out' | 'back'; port: number; holder: string; at: string }

/** Appends hand-outs and returns to a file, which many processes can share. */
export class Recorder {
  static #count = 0
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Call right after the hand-out. Returns a function to call just before the release. */
  recordTake(port: number): () => void {
    Recorder.#count++
    const holder = `${process.pid}-${Recorder.#count}-${Math.random()}`
    this.#note({ event: 'out', port, holder, at: String(nanoseconds()) })
    return () => this.#note({ event: 'back', port, holder, at: String(nanoseconds()) })
  }

  #note(event: Event): void {
    appendFileSync(this.#file, `${JSON.stringify(event)}\n`)
  }
}

export function readIntervals(...files: string[]): Interval[] {
  return intervalsOf(files.flatMap(readEvents))
}

/**
 * As {@link readIntervals}, by the order of the lines in one file. For runtimes whose clocks start
 * with the process: what all of them append to one file is in the order in which it happened.
 */
export function readIntervalsInOrder(file: string): Interval[] {
  return intervalsOf(readEvents(file).map((event, line) => ({ ...event, at: String(line) })))
}

function readEvents(file: string): Event[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event)
}

function intervalsOf(events: readonly Event[]): Interval[] {
  const intervals = new Map<string, Interval>()
  for (const { event, port, holder, at } of events) {
    if (event === 'out') intervals.set(holder, { port, holder, from: BigInt(at) })
    if (event === 'back') Object.assign(intervals.get(holder) ?? {}, { to: BigInt(at) })
  }
  return [...intervals.values()]
}

/** The pairs of intervals in which two holders had one port at the same time. */
export function overlaps(intervals: readonly Interval[]): [Interval, Interval][] {
  const found: [Interval, Interval][] = []
  const byPort = Map.groupBy(intervals, ({ port }) => port)
  for (const group of byPort.values()) {
    group.sort((a, b) => (a.from < b.from ? -1 : 1))
    let longest: Interval | undefined
    for (const interval of group) {
      if (longest && (longest.to === undefined || longest.to > interval.from)) {
        found.push([longest, interval])
      }
      if (!longest || end(interval) > end(longest)) longest = interval
    }
  }
  return found
}

const NEVER = 2n ** 63n

function end({ to }: Interval): bigint {
  return to ?? NEVER
}
