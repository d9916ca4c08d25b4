import { inspect, invalidOption } from '../errors.js'
import { LAST_PORT } from '../slice/layout.js'
import { validateRange } from './range.js'
import { coordinatorAdvice, hostAdvice, unansweredAdvice } from './remote.js'
import { validateShard } from './shard.js'
import {
  abortSignal,
  boolean,
  checkOptions,
  integer,
  isIterable,
  isPort,
  milliseconds,
  oneOf,
  type Validator,
} from './validate.js'

/** Which ports an allocator hands out, and to which worker. All have defaults. */
export interface AllocatorOptions {
  /**
   * First and last port, both inclusive. Only complete slices of 32 ports count. Default: `$PORTSLICE_RANGE`
   * (`20000-29999`), else from 10000 up to the ephemeral range; if there is little room, also ports above
   * that.
   */
  range?: readonly [first: number, last: number]
  /**
   * The directory with the locks and journals; created if missing. Must belong to the user, not be a link and
   * not be writable by others. `false`: without files, so ports are unique in this network namespace only.
   * Default: `$PORTSLICE_LOCK_DIR` (`none` is `false`), else `portslice-<uid>` in the temporary directory.
   */
  lockDirectory?: string | false
  /** 1-based. Decides which slice is tried first. Default: as `detectWorker` says. */
  workerId?: number
  /**
   * The shard of the run, 1-based: it uses only its own part of the range. Default: `$PORTSLICE_SHARD`. A
   * detected shard (the test runner's `--shard`, a CI system's variables) only decides which part is tried
   * first.
   */
  shard?: {
    /** Which one, from 1 to `total`. */
    index: number
    /** How many there are. */
    total: number
  }
  /** How long to wait for a port when all are taken, in ms. Default: 10 000; with `coordinator`, 40 000. */
  waitTimeout?: number
  /** The order in which the ports of a slice are handed out. Default: `'sequential'`. */
  order?: 'sequential' | 'random'
  /**
   * Whether to leave a port in TIME_WAIT when it is handed out, so that the OS does not give it
   * to another program for 60 s. `'auto'`, the default: only ports of the ephemeral range.
   */
  timeWaitGuard?: 'auto' | 'always' | 'never'
  /** The host whose ports are leased; needs `coordinator`. Default: `$PORTSLICE_HOST`, else this machine. */
  host?: string
  /**
   * The URL of a database that decides who has the ports of `host`: `postgres://…` with
   * `@portslice/postgres`, `redis://…` with `@portslice/redis`. Default: `$PORTSLICE_COORDINATOR`.
   */
  coordinator?: string
  /**
   * What to do with ports of `host` that neither accept nor refuse a connection, because a firewall drops the
   * packets: `'skip'` them, or `'use'` them as if free. Default: `$PORTSLICE_UNANSWERED_PORTS`, else `'skip'`.
   */
  unansweredPorts?: 'skip' | 'use'
}

/** The purpose of a port, and how to take it. All are optional. */
export interface TakeOptions {
  /** Ports to try first, in this order, if available at once, also outside of the range. Not for `takeBlock`. */
  prefer?: number | Iterable<number>
  /** What the port is for; shown wherever portslice lists ports. At most 1000 characters. */
  label?: string
  /** The same key gets the same port while it is out, and after a restart or crash. At most 1000 characters. */
  key?: string
  /** Release the port automatically once an app that listened on it has closed it. */
  releaseWhenClosed?: boolean
  /** Stops waiting for a port when aborted, and throws the signal's reason. */
  signal?: AbortSignal
}

/** In characters: a file path and a test name. Keeps the lines of a journal short. */
const MAX_TEXT_LENGTH = 1000

const ALLOCATOR_VALIDATORS: Record<keyof AllocatorOptions, Validator> = {
  range: () => undefined, // Checked by validateRange, which throws another error code.
  shard: () => undefined, // Checked by validateShard, which throws another error code.
  lockDirectory,
  workerId: integer(1),
  waitTimeout: milliseconds,
  order: oneOf('sequential', 'random'),
  timeWaitGuard: oneOf('auto', 'always', 'never'),
  host: hostAdvice,
  coordinator: coordinatorAdvice,
  unansweredPorts: unansweredAdvice,
}

const TAKE_VALIDATORS: Record<keyof TakeOptions, Validator> = {
  // The values of an iterable are checked when it is read, because that may work only once.
  prefer: (value) =>
    isPort(value) || isIterable(value)
      ? undefined
      : `Give a port from 1 to ${LAST_PORT}, or several.`,
  label: shortText,
  key: (value) => (value === '' ? 'Give a string that is not empty.' : shortText(value)),
  releaseWhenClosed: boolean,
  signal: abortSignal,
}

function lockDirectory(value: unknown): string | undefined {
  const isPath = typeof value === 'string' && value !== '' && !value.includes('\0')
  return isPath || value === false
    ? undefined
    : 'Give the path of a directory, or false to do without files.'
}

function shortText(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH
    ? undefined
    : `Give a string of at most ${MAX_TEXT_LENGTH} characters.`
}

export function checkAllocatorOptions(
  options: unknown,
  more: Readonly<Record<string, Validator>> = {},
): asserts options is AllocatorOptions {
  checkOptions(options, { ...ALLOCATOR_VALIDATORS, ...more })
  const { range, shard } = options as AllocatorOptions
  if (range !== undefined) validateRange(range, 'The option `range`')
  if (shard !== undefined) validateShard(shard, 'The option `shard`')
}

export function checkTakeOptions(
  options: unknown,
  more: Readonly<Record<string, Validator>> = {},
): asserts options is TakeOptions {
  if (typeof options === 'number') {
    throw invalidOption(
      `The options are ${options}, a number.`,
      options,
      `Write \`{ prefer: ${options} }\` to get this port if it is available, or \`claimPort(${options})\` to wait for it.`,
    )
  }
  if (typeof options === 'string') {
    throw invalidOption(
      `The options are ${inspect(options)}, a string.`,
      options,
      `Write \`{ label: ${inspect(options)} }\` to say what the port is for, or \`namedPort(${inspect(options)})\` for one port in all processes of a run.`,
    )
  }
  checkOptions(options, { ...TAKE_VALIDATORS, ...more })
}

/** @param options the second argument of the call */
export function checkEachTakeOptions(ports: readonly unknown[], options: unknown): void {
  for (const each of ports) {
    checkTakeOptions(each, { signal: () => 'Give it once, in the second argument.' })
  }
  checkOptions(options, { signal: abortSignal })
}

export function checkWaitOptions(options: unknown): void {
  checkOptions(options, { timeout: milliseconds, signal: abortSignal })
}

export function checkListOptions(options: unknown): void {
  checkOptions(options, { lockDirectory, host: hostAdvice, coordinator: coordinatorAdvice })
}

export function checkHistoryOptions(options: unknown): void {
  // The range is checked by `resolveOptions`.
  const { range, host, coordinator } = ALLOCATOR_VALIDATORS
  checkOptions(options, { lockDirectory, range, host, coordinator })
}
