/** Every code starts so; the rest names the case, for example `ERR_PORTSLICE_RANGE_INVALID`. */
export type PortsliceErrorCode = `ERR_PORTSLICE_${string}`

/** What an error carries beside its code and what was wrong. */
export interface PortsliceErrorDetails {
  /** What was given and refused, where there is such a value. */
  value?: unknown
  /** What to do about it: a full sentence, part of `message` as well. */
  advice: string
  /** The error that led to this one, where there is one. */
  cause?: unknown
}

const BRAND = Symbol.for('@portslice/core PortsliceError')

/**
 * Every error that a user of portslice can cause.
 *
 * `message` says what was wrong, with the value, and what to do. `instanceof` also holds
 * across copies of this package and across `node:vm` contexts, as test runners make them.
 *
 * @example
 * try {
 *   await takePort()
 * } catch (error) {
 *   if (error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_RANGE_EXHAUSTED') …
 * }
 */
export class PortsliceError extends Error {
  /** Which case it is. Stays the same from version to version. */
  readonly code: PortsliceErrorCode
  /** What was given and refused; `undefined` where there is no such value. */
  readonly value: unknown
  /** What to do about it: full sentences, which end `message` as well. */
  readonly advice: string

  /**
   * For packages around this one.
   *
   * @param code which case it is
   * @param problem what was wrong, as full sentences: the first part of `message`
   * @param details what was refused, and what to do
   */
  constructor(code: PortsliceErrorCode, problem: string, details: PortsliceErrorDetails) {
    super(
      sanitize(`${problem}\n${details.advice}`),
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.name = 'PortsliceError'
    this.code = code
    this.value = details.value
    this.advice = details.advice
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** @hidden */
  static override [Symbol.hasInstance](candidate: unknown): boolean {
    return typeof candidate === 'object' && candidate !== null && BRAND in candidate
  }
}

/**
 * What a terminal would obey, in 7 and in 8 bits, as escapes of JavaScript; line feeds stay.
 *
 * @param text what another process wrote, such as a label or a command
 */
export function sanitize(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * A refused value as it stands in a message: short, inspect, and without control characters.
 *
 * @param value anything
 */
export function inspect(value: unknown): string {
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = Object.prototype.toString.call(value)
  }
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/**
 * The `code` of a system error, or an empty text.
 *
 * @param error anything that was thrown
 */
export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** Whether the process, or the machine, has no room for another socket or file at the moment. */
export function isOutOfDescriptors(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(codeOf(error))
}
