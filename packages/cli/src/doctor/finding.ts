/** What the doctor has found: how bad it is, what it is, what to do. */
import { PortsliceError } from '@portslice/core/inspect'
import { problemOf } from '../command-line/usage-error.js'

export interface Finding {
  /** What it is about; stays the same from version to version. */
  id:
    | 'system'
    | 'variables'
    | 'ephemeral-range'
    | 'range'
    | 'shard'
    | 'lock-directory'
    | 'sockets'
    | 'slices'
    | 'foreign-listeners'
    | 'leaked-ports'
    | 'left-behind'
  /** `problem`: the promise cannot be kept. `note`: worth knowing. */
  level: 'ok' | 'note' | 'problem'
  /** A sentence or more. */
  message: string
  /** What to do; missing where nothing needs to be done. */
  advice?: string
}

/** An error as a finding: all of portslice's say what is wrong, and then what to do. */
export function problem(id: Finding['id'], error: unknown): Finding {
  if (!(error instanceof PortsliceError)) {
    return { id, level: 'problem', message: (error as Error).message }
  }
  return { id, level: 'problem', message: problemOf(error), advice: error.advice }
}
