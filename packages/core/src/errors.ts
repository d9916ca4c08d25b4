/** The meaning of every code. Each code has an entry in docs/troubleshooting.md. */
const ERROR_CODES = {
  ERR_PORTSLICE_APP_START: 'an app did not start, or was not ready in time',
  ERR_PORTSLICE_APP_STOP: 'a process of an app could not be stopped',
  ERR_PORTSLICE_CLAIM_TIMEOUT: 'a fixed port did not become free in time',
  ERR_PORTSLICE_CLOSED: 'the allocator or the app is closed',
  ERR_PORTSLICE_COMMAND: 'the program of `portslice run` cannot be run',
  ERR_PORTSLICE_COORDINATOR: 'the database that decides who has the ports cannot be used',
  ERR_PORTSLICE_FILE: 'a file named in an option of the command cannot be used',
  ERR_PORTSLICE_HOST: 'the ports of the other host cannot be checked',
  ERR_PORTSLICE_LOCK_DIRECTORY: 'the lock directory cannot be used',
  ERR_PORTSLICE_NO_SOCKET: 'the system refuses a socket or file that portslice needs',
  ERR_PORTSLICE_OPTION_INVALID: 'an option, or an environment variable, has an invalid value',
  ERR_PORTSLICE_PORT_LEAKED: 'something still listens on a released port',
  ERR_PORTSLICE_RANGE_EXHAUSTED: 'no port of the range became free in time',
  ERR_PORTSLICE_RANGE_INVALID: 'the range is too small, or contains ports that cannot be used',
  ERR_PORTSLICE_SHARD_INVALID: 'the shard is invalid, or there are more shards than slices',
  ERR_PORTSLICE_USAGE: 'the command line is invalid',
} as const

/** Which error it is. Codes stay the same from version to version. */
export type PortsliceErrorCode = keyof typeof ERROR_CODES

const DOCS = 'https://github.com/portslice/portslice/blob/main/docs/troubleshooting.md'

/** What an error contains besides its code and the problem. */
export interface PortsliceErrorDetails {
  value?: unknown
  advice: string
  cause?: unknown
}

const BRAND = Symbol.for('@portslice/core PortsliceError')

/**
 * Every error that a user of portslice can cause. It is printed as `PortsliceError [CODE]: message`,
 * where `message` consists of `problem`, `advice` and `docs`. `instanceof` also works across copies of this
 * package and across `node:vm` contexts, which test runners create.
 *
 * @example
 * if (error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_RANGE_EXHAUSTED') …
 */
export class PortsliceError extends Error {
  /** Which error it is. Stays the same from version to version. */
  readonly code: PortsliceErrorCode
  /** What was wrong, in full sentences. */
  declare readonly problem: string
  /** The refused value; `undefined` if there is none. */
  readonly value: unknown
  /** What to do, in full sentences. */
  declare readonly advice: string
  /** The URL of the documentation of `code`. */
  declare readonly docs: string

  /**
   * For packages built on this one.
   *
   * @param code which error it is
   * @param problem what was wrong, in full sentences
   * @param details the refused value, and what to do
   */
  constructor(code: PortsliceErrorCode, problem: string, details: PortsliceErrorDetails) {
    const texts = {
      problem: sanitize(problem),
      advice: sanitize(details.advice),
      docs: `${DOCS}#${code.toLowerCase()}`,
    }
    const { cause } = details
    super(Object.values(texts).join('\n'), cause === undefined ? undefined : { cause })
    this.code = code
    this.value = details.value
    // Not enumerable, because Node prints enumerable properties after the message.
    const hidden = { ...texts, name: `PortsliceError [${code}]`, [BRAND]: true }
    for (const key of Reflect.ownKeys(hidden)) {
      const value: unknown = Reflect.get(hidden, key)
      Object.defineProperty(this, key, { value, writable: true, configurable: true })
    }
    captureUserStack(this, new.target) // Begins with the new name.
  }

  /** @hidden */
  static override [Symbol.hasInstance](candidate: unknown): boolean {
    return typeof candidate === 'object' && candidate !== null && BRAND in candidate
  }
}

/** @param problem what is wrong, as a sentence */
export function invalidOption(problem: string, value: unknown, advice: string): PortsliceError {
  return new PortsliceError('ERR_PORTSLICE_OPTION_INVALID', problem, { value, advice })
}

const OWN_FRAME = /[\\/]node_modules[\\/]@?portslice[\\/]|\(?node:internal/

/** Removes our own frames before the first one of the user. */
function captureUserStack(
  error: Error,
  below: Parameters<typeof Error.captureStackTrace>[1],
): void {
  Error.captureStackTrace(error, below)
  const headline = `${error}\n`
  const { stack = '' } = error
  if (!stack.startsWith(headline)) return
  const frames = stack.slice(headline.length).split('\n')
  const first = frames.findIndex((frame) => !OWN_FRAME.test(frame))
  if (first > 0) error.stack = headline + frames.slice(first).join('\n')
}

/** Sets the stack of the calling function, which an error lacks if it was created in a timer. */
export function withCallerStack(error: unknown): unknown {
  if (error instanceof PortsliceError) captureUserStack(error, withCallerStack)
  return error
}

/** Escapes control characters except line feeds. Otherwise text of other processes could control a terminal. */
export function sanitize(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are escaped
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A value as JSON for a message, at most 200 characters. */
export function inspect(value: unknown): string {
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = Object.prototype.toString.call(value)
  }
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** The `code` of a system error, or an empty string. */
export function codeOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : ''
}

export function isOutOfDescriptors(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(codeOf(error))
}
