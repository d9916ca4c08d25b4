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
  /** A number that the answer repeats. */
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

/** @returns `undefined` if the line is not from the watchdog */
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

/** The environment of a watchdog has this variable: the pid of the process that started it. */
export const WATCHDOG_VARIABLE = 'PORTSLICE_WATCHDOG'
