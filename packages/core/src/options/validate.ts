import { inspect, invalidOption } from '../errors.js'
import { LAST_PORT } from '../slice/layout.js'
import { suggest } from './suggest.js'

/** Returns what to give instead; `undefined` if the value is valid. */
export type Validator = (value: unknown) => string | undefined

/** Node's timers cannot wait longer than 2^31 - 1 ms, about 24 days. */
const MAX_TIMER_MS = 2_147_483_647

export function milliseconds(value: unknown): string | undefined {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIMER_MS
    ? undefined
    : `Give milliseconds from 0 to ${MAX_TIMER_MS}.`
}

/** Accepts also the AbortSignal of a jsdom window, which is another class. */
export function abortSignal(value: unknown): string | undefined {
  const { addEventListener, aborted } = (value ?? {}) as Partial<AbortSignal>
  return typeof addEventListener === 'function' && typeof aborted === 'boolean'
    ? undefined
    : 'Give an AbortSignal.'
}

export function boolean(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'Give true or false.'
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Validator {
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return (value) => (isIntegerIn(value, min, max) ? undefined : `Give an integer ${limits}.`)
}

export function oneOf(...allowed: string[]): Validator {
  return (value) =>
    allowed.includes(value as string)
      ? undefined
      : `Give one of ${allowed.map((name) => `'${name}'`).join(', ')}.`
}

export function isIntegerIn(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

export function isPort(value: unknown): value is number {
  return isIntegerIn(value, 1, LAST_PORT)
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** @param otherNames names that users may expect, with the names of the options */
export function checkOptions(
  options: unknown,
  validators: Readonly<Record<string, Validator>>,
  otherNames: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption(
      `The options are ${inspect(options)}.`,
      options,
      'Give an object, or leave them out.',
    )
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(validators, name)) {
      const known = Object.keys(validators)
      const advice = Object.hasOwn(otherNames, name)
        ? `Use \`${otherNames[name]}\`.`
        : suggest(name, known)
      throw invalidOption(
        `There is no option \`${name}\`; it is set to ${inspect(value)}.`,
        value,
        [advice, `The options are ${known.join(', ')}.`].filter(Boolean).join(' '),
      )
    }
    const advice = value === undefined ? undefined : validators[name]?.(value)
    if (advice) throw invalidOption(`The option \`${name}\` is ${inspect(value)}.`, value, advice)
  }
}
