/** Something that goes wrong in real life, provoked against real processes. */
export interface Fault {
  /** What goes wrong: the row's name in the table. */
  readonly fault: string
  /** How it is provoked, in a clause. */
  readonly provoked: string
  /** What must happen, in a clause. */
  readonly must: string
  run(context: FaultContext): Promise<Outcome>
}

export interface FaultContext {
  /** Whether to provoke it only a few times, as the test command does. */
  readonly short: boolean
  /** An empty directory for this fault, removed afterwards. */
  readonly folder: string
}

export type Outcome = Tried | Skipped

export interface Tried {
  /** How often the fault was provoked. */
  readonly times: number
  /** What was observed, as a clause with figures: "no overlap in 3 120 hand-outs; slowest 84 ms". */
  readonly observed: string
  /** Each broken promise, as a sentence. */
  readonly broken: readonly string[]
}

export interface Skipped {
  /** Why it could not be tried here, as a clause. */
  readonly skipped: string
}

export function isSkipped(outcome: Outcome): outcome is Skipped {
  return 'skipped' in outcome
}

/** The outcome of a fault whose code threw an error. */
export function stoppedBy(error: Error): Tried {
  return { times: 0, observed: 'not tried to the end', broken: [String(error.stack)] }
}
