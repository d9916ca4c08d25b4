import type { ProcessIdentity } from '@portslice/process-tree'
import type { Observation, Query } from './observe.js'

/** Asks to end a process tree when the process that started it dies. */
export interface WatchRequest {
  watch: string
  known: readonly ProcessIdentity[]
  /** The time between SIGTERM and SIGKILL. */
  timeoutMs: number
}

/** Asks the watchdog to observe an app. */
export interface ObserveRequest {
  /** The number of the request, for its answer. */
  request: number
  tree: string
  query: Query
}

/** Messages to the watchdog, one line of JSON each. */
export type Command = WatchRequest | { unwatch: string } | ObserveRequest

/** Messages from the watchdog, one line of JSON each. */
export type Report =
  | { isUp: true }
  | { tree: string; known: readonly ProcessIdentity[] }
  | { tree: string; known: readonly ProcessIdentity[]; answer: number; observation: Observation }

/** @returns `undefined` for a line that the watchdog has not written */
export function parseReport(line: string): Report | undefined {
  let value: Partial<Record<'isUp' | 'tree' | 'known', unknown>> | null
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const isReport =
    value?.isUp === true || (typeof value?.tree === 'string' && Array.isArray(value.known))
  return isReport ? (value as Report) : undefined
}

/** Set only in the environment of a watchdog. */
export const INSIDE_WATCHDOG = 'PORTSLICE_WATCHDOG'
