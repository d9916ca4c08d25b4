/** What the doctor has found: how bad it is, what it is, what to do. */
import { PortsliceError } from '@portslice/core/internal/inspect'

export interface Finding {
  /** What it is about; stays the same from version to version. */
  id:
    | 'system'
    | 'permissions'
    | 'processes'
    | 'network'
    | 'addresses'
    | 'variables'
    | 'ephemeral-range'
    | 'range'
    | 'shard'
    | 'lock-directory'
    | 'liveness'
    | 'docker'
    | 'sockets'
    | 'slices'
    | 'claims'
    | 'time-wait'
    | 'redirected-ports'
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
  return { id, level: 'problem', message: error.problem, advice: error.advice }
}

/** What a check finds, or that it could not look: one check that fails must not hide the others. */
export async function findingsOf(
  id: Finding['id'],
  check: () => Finding | Finding[] | undefined | Promise<Finding | Finding[] | undefined>,
): Promise<Finding[]> {
  try {
    const found = (await check()) ?? []
    return Array.isArray(found) ? found : [found]
  } catch (error) {
    if (error instanceof PortsliceError) return [problem(id, error)]
    return [
      {
        id,
        level: 'note',
        message: `The check "${id}" could not be made (${(error as Error).message}).`,
        advice: 'Allow this process what the message names, and run the doctor again.',
      },
    ]
  }
}
