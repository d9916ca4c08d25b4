/** What a caller may ask for, checked. */

import { inspect, PortsliceError } from '../errors.js'
import {
  FIRST_UNPRIVILEGED_PORT,
  LAST_PORT,
  PORTS_PER_SLICE,
  type PortRange,
  SLICE_SIZE,
  slicesIn,
} from '../slice/layout.js'
import { checkedShard } from './shard.js'

/** Which ports an allocator hands out, and to whom. All have defaults. */
export interface AllocatorOptions {
  /**
   * First and last port, both inclusive. Only slices of 32 ports that lie wholly in it count.
   * Default: `$PORTSLICE_RANGE` (`20000-29999`), else from 10000 up to the last port below
   * those that the OS hands out by itself; if there is little room, also those above.
   */
  range?: readonly [first: number, last: number]
  /**
   * The directory with the locks and journals. Must belong to the user, be no symbolic link and
   * not be writable by others; made if missing. `false` does without files: ports are unique in
   * this network namespace only. Default: `$PORTSLICE_LOCK_DIR` (`none` is `false`), else
   * `portslice-<uid>` in the directory for temporary files.
   */
  lockDirectory?: string | false
  /** 1-based. Decides which slice is tried first. Default: what `detectWorker` says. */
  workerId?: number
  /**
   * The shard of the run, 1-based: it uses its own part of the range and no other. Default:
   * `$PORTSLICE_SHARD`. A shard that is only detected (the test runner's `--shard`, a CI system's
   * variables) decides which part is tried first.
   */
  shard?: {
    /** Which one, from 1 to `total`. */
    index: number
    /** How many there are. */
    total: number
  }
  /** How long to wait for a port when all are taken, in ms. Default: 10 000. */
  waitTimeout?: number
  /** The order in which the ports of a slice are handed out. Default: `'sequential'`. */
  order?: 'sequential' | 'random'
  /**
   * Whether to leave a port in TIME_WAIT when it is handed out, so that the OS gives it to
   * nobody by itself for 60 s. `'auto'`, the default: only ports that the OS might hand out.
   */
  timeWaitGuard?: 'auto' | 'always' | 'never'
}

/** What a port is taken for. All are optional. */
export interface TakeOptions {
  /**
   * A port, or several in the order of preference: one of these if it can be had at once, also
   * outside of the range; else any. `takeBlock` has no use for it.
   */
  prefer?: number | Iterable<number>
  /** What the port is for; shown wherever portslice lists ports. At most 1000 characters. */
  label?: string
  /**
   * The same key has the same port as long as it is out, and gets it back after its holder
   * was restarted or has crashed. At most 1000 characters.
   */
  key?: string
  /** Give the port back by itself once an app that was listening on it has gone. */
  releaseWhenClosed?: boolean
  /** Gives up waiting for a port when aborted, with the signal's reason. */
  signal?: AbortSignal
}

/** Node's timers cannot wait longer (2^31 - 1 ms, some 24 days). */
const LONGEST_WAIT = 2_147_483_647
/** More tries would not help: something else is wrong. */
const MOST_RETRIES = 1000
/** Long enough for the path of a file and the name of a test; keeps a journal's lines short. */
const LONGEST_TEXT = 1000

/**
 * Tells what to give instead of a value that is refused; `undefined` when it is not.
 *
 * @param value what was given
 */
export type Check = (value: unknown) => string | undefined

const CHECKS_OF_ALLOCATOR_OPTIONS: Record<keyof AllocatorOptions, Check> = {
  range: () => undefined, // has a code of its own: checkedRange
  shard: () => undefined, // has a code of its own: checkedShard
  lockDirectory: lockDirectoryOrFalse,
  workerId: (value) =>
    Number.isSafeInteger(value) && (value as number) >= 1
      ? undefined
      : 'Give a whole number from 1 up.',
  waitTimeout: milliseconds,
  order: oneOf('sequential', 'random'),
  timeWaitGuard: oneOf('auto', 'always', 'never'),
}

const CHECKS_OF_TAKE_OPTIONS: Record<keyof TakeOptions, Check> = {
  prefer: portOrPorts,
  label: shortText,
  key: (value) => (value === '' ? 'Give a text that is not empty.' : shortText(value)),
  releaseWhenClosed: (value) => (typeof value === 'boolean' ? undefined : 'Give true or false.'),
  signal: abortSignal,
}

/**
 * Refuses what is no path.
 *
 * @param value what was given
 */
export function pathOfFolder(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
    ? undefined
    : 'Give the path of a folder.'
}

function lockDirectoryOrFalse(value: unknown): string | undefined {
  return value === false || pathOfFolder(value) === undefined
    ? undefined
    : 'Give the path of a directory, or false to do without files.'
}

/**
 * Refuses what no timer can wait for: 0 to 2 147 483 647 ms.
 *
 * @param value what was given
 */
export function milliseconds(value: unknown): string | undefined {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_WAIT
    ? undefined
    : `Give milliseconds from 0 to ${LONGEST_WAIT}.`
}

/** What an iterable gives is checked when it is read, which can be done once. */
function portOrPorts(value: unknown): string | undefined {
  const isIterable = typeof value === 'object' && value !== null && Symbol.iterator in value
  const isPort = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LAST_PORT
  return isPort || isIterable ? undefined : `Give a port from 1 to ${LAST_PORT}, or several.`
}

/** How often to try again. */
export function retryCount(value: unknown): string | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_RETRIES
    ? undefined
    : `Give a whole number from 0 to ${MOST_RETRIES}.`
}

/**
 * Refuses what is no AbortSignal. Told by its members: a jsdom window has an AbortSignal of its own.
 *
 * @param value what was given
 */
export function abortSignal(value: unknown): string | undefined {
  const { addEventListener, aborted } = (value ?? {}) as Partial<AbortSignal>
  return typeof addEventListener === 'function' && typeof aborted === 'boolean'
    ? undefined
    : 'Give an AbortSignal.'
}

export function oneOf(...allowed: string[]): Check {
  return (value) =>
    allowed.includes(value as string)
      ? undefined
      : `Give one of ${allowed.map((name) => `'${name}'`).join(', ')}.`
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= LONGEST_TEXT
    ? undefined
    : `Give a text of at most ${LONGEST_TEXT} characters.`
}

/**
 * @param more checks of options that the caller has beside those of an allocator
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID
 */
export function checkAllocatorOptions(
  options: unknown,
  more: Readonly<Record<string, Check>> = {},
): asserts options is AllocatorOptions {
  checkOptions(options, { ...CHECKS_OF_ALLOCATOR_OPTIONS, ...more })
  const { range, shard } = options as AllocatorOptions
  if (range !== undefined) checkedRange(range, 'The option `range`')
  if (shard !== undefined) checkedShard(shard, 'The option `shard`')
}

/**
 * @param more checks of options that the caller has beside those of a take
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 */
export function checkTakeOptions(
  options: unknown,
  more: Readonly<Record<string, Check>> = {},
): asserts options is TakeOptions {
  checkOptions(options, { ...CHECKS_OF_TAKE_OPTIONS, ...more })
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID */
export function checkWaitOptions(options: unknown): void {
  checkOptions(options, { timeout: milliseconds, signal: abortSignal })
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID */
export function checkListOptions(options: unknown): void {
  checkOptions(options, { lockDirectory: lockDirectoryOrFalse })
}

/**
 * Checks an object of options against one check a name.
 *
 * @param options what a user gave
 * @param checks by the names of the options
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for a value that a check refuses, and
 *   for a name that there is not
 */
export function checkOptions(options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw optionError('The options are', options, 'Give an object, or leave them out.')
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (!check) {
      throw optionError(
        `There is no option \`${name}\`; it is set to`,
        value,
        `The options are ${Object.keys(checks).join(', ')}.`,
      )
    }
    const advice = value === undefined ? undefined : check(value)
    if (advice) throw optionError(`The option \`${name}\` is`, value, advice)
  }
}

function optionError(problem: string, value: unknown, advice: string): PortsliceError {
  return new PortsliceError('ERR_PORTSLICE_OPTION_INVALID', `${problem} ${inspect(value)}.`, {
    value,
    advice,
  })
}

/**
 * Checks a range of ports.
 *
 * @param value the first and the last port, both inclusive
 * @param source where it was said, for the error, such as `$PORTSLICE_RANGE`
 * @throws PortsliceError ERR_PORTSLICE_RANGE_INVALID, naming `source`
 */
export function checkedRange(value: unknown, source: string): PortRange {
  const fail = (why: string, advice: string) =>
    new PortsliceError('ERR_PORTSLICE_RANGE_INVALID', `${source} is ${inspect(value)}: ${why}.`, {
      value,
      advice,
    })
  const example = 'for example 20000 to 29999'
  const ports: readonly unknown[] = Array.isArray(value) ? value : []
  const [first, last] = ports as number[]
  if (ports.length !== 2 || !Number.isInteger(first) || !Number.isInteger(last)) {
    throw fail('not two whole numbers', `Give the first and the last port, ${example}.`)
  }
  const range = { first: first as number, last: last as number }
  if (range.first < FIRST_UNPRIVILEGED_PORT || range.last > LAST_PORT) {
    throw fail(
      'not all of it are ports that a test may bind',
      `Stay between ${FIRST_UNPRIVILEGED_PORT} and ${LAST_PORT}, ${example}.`,
    )
  }
  if (range.first > range.last) {
    throw fail('it ends before it starts', `Give the lower port first, ${example}.`)
  }
  if (slicesIn(range).length === 0) {
    const start = Math.floor(range.first / SLICE_SIZE) * SLICE_SIZE
    throw fail(
      `it holds no whole slice of ${SLICE_SIZE} ports that starts at a multiple of ${SLICE_SIZE}`,
      `Widen it, for example to ${Math.max(start, FIRST_UNPRIVILEGED_PORT)} to ${Math.max(start, FIRST_UNPRIVILEGED_PORT) + Math.ceil((range.last - start + 1) / SLICE_SIZE) * SLICE_SIZE - 1}; each worker needs a slice (${PORTS_PER_SLICE} ports to hand out).`,
    )
  }
  return range
}

/** `$PORTSLICE_RANGE`, written `20000-29999`. */
export function rangeFromVariable(
  env: Readonly<Record<string, string | undefined>>,
): PortRange | undefined {
  const text = env.PORTSLICE_RANGE
  if (text === undefined || text === '') return undefined
  const match = /^\s*(\d{1,6})\s*-\s*(\d{1,6})\s*$/.exec(text)
  return match
    ? checkedRange([Number(match[1]), Number(match[2])], '$PORTSLICE_RANGE')
    : checkedRange(text, '$PORTSLICE_RANGE')
}
