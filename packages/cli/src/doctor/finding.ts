import { PortsliceError } from '@portslice/core/internal/inspect'

/** The result of one check of `portslice doctor`. */
export interface Finding {
  /** The topic. Scripts rely on it, so it must not change. */
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
    | 'coordinator'
    | 'sockets'
    | 'slices'
    | 'claims'
    | 'time-wait'
    | 'redirected-ports'
    | 'foreign-listeners'
    | 'leaked-ports'
    | 'left-behind'
  /** `problem`: portslice cannot keep ports unique here. */
  level: 'ok' | 'note' | 'problem'
  message: string
  /** What to do, if anything. */
  advice?: string
}

export function ok(id: Finding['id'], message: string): Finding {
  return { id, level: 'ok', message }
}

export function note(id: Finding['id'], message: string, advice?: string): Finding {
  return { id, level: 'note', message, ...(advice !== undefined && { advice }) }
}

export function problem(id: Finding['id'], message: string, advice: string): Finding {
  return { id, level: 'problem', message, advice }
}

export function problemFromError(id: Finding['id'], error: unknown): Finding {
  return error instanceof PortsliceError
    ? problem(id, error.problem, error.advice)
    : { id, level: 'problem', message: (error as Error).message }
}

/** Runs one check. An error becomes a finding, so that the other checks still run. */
export async function runCheck(
  id: Finding['id'],
  check: () => Finding | Finding[] | undefined | Promise<Finding | Finding[] | undefined>,
): Promise<Finding[]> {
  try {
    const found = (await check()) ?? []
    return Array.isArray(found) ? found : [found]
  } catch (error) {
    if (error instanceof PortsliceError) return [problemFromError(id, error)]
    return [
      note(
        id,
        `The check "${id}" failed (${(error as Error).message}).`,
        'Allow this process the access that the message names, and run the doctor again.',
      ),
    ]
  }
}
