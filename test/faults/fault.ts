/** One thing that goes wrong in real life, provoked against real processes. */

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
  /** The form for the test command: the same fault, fewer times. */
  readonly short: boolean
  /** An empty folder of its own, removed afterwards. */
  readonly folder: string
}

/** @see skipped, for where the machine does not allow the fault to be made */
export type Outcome = Tried | Skipped

export interface Tried {
  /** How often the fault was provoked. */
  readonly times: number
  /** What was seen, in a clause, with its figures: "no overlap in 3 120 hand-outs; slowest 84 ms". */
  readonly observed: string
  /** What broke the promise, a sentence each; empty when it held. */
  readonly broken: readonly string[]
}

export interface Skipped {
  /** Why it could not be tried here, as a clause. */
  readonly skipped: string
}

export function isSkipped(outcome: Outcome): outcome is Skipped {
  return 'skipped' in outcome
}
