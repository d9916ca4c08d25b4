/** What a process and its watchdog tell each other: JSON, a message a line. */
import type { ProcessIdentity } from '@portslice/process-tree'
import type { Observation, Question } from './observe.js'

/** A tree that is to be ended when the process that started it dies. */
export interface KeptTree {
  /** Its id. */
  keep: string
  /** What is known to be in it. */
  known: readonly ProcessIdentity[]
  /** ms between SIGTERM and SIGKILL. */
  timeout: number
}

/** To the watchdog. */
export type Command = KeptTree | { forget: string } | { ask: number; tree: string; about: Question }

/** From the watchdog. */
export type Report =
  | { isUp: true }
  | { tree: string; known: readonly ProcessIdentity[] }
  | { tree: string; known: readonly ProcessIdentity[]; answer: number; observation: Observation }

/** Set in the environment of a watchdog alone. */
export const INSIDE_WATCHDOG = 'PORTSLICE_WATCHDOG'
