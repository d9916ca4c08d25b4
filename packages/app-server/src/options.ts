import { statSync } from 'node:fs'
import type { PortAllocator } from '@portslice/core'
import {
  abortSignal,
  checkOptions,
  inspect,
  invalidOption,
  milliseconds,
  type Validator,
} from '@portslice/core/internal'
import type { App } from './app.js'

/** What to start, and when it is ready. */
export interface AppOptions {
  /**
   * What to run: a string for the shell, or a program and its arguments without a shell. `{PORT}` is replaced
   * by the port of the app, `{API_PORT}` by the port named `api`. Programs in `node_modules/.bin` of `cwd` and
   * its parent directories are found.
   */
  command: string | readonly string[]
  /** The working directory of the app. Default: that of this process. */
  cwd?: string
  /**
   * Variables to set or, if `undefined`, to remove. `{PORT}` and `{API_PORT}` are replaced here as well.
   * Overrides the variables that portslice sets: `PORT`, and `API_PORT` for a port named `api`.
   */
  env?: Readonly<Record<string, string | undefined>>
  /** Names of further ports, such as `['api', 'db']`. They must differ in more than case, `-` and `_`. */
  ports?: readonly string[]
  /**
   * When the app is ready. Default: as soon as it listens on its port.
   *
   * - a path (`'/health'`) or URL: when it answers with 2xx, 3xx or 400 to 403, as for
   *   Playwright's `webServer`
   * - a RegExp: when it matches the output, stdout and stderr together
   * - a function: when it returns true. It is called again after any other result or an error
   */
  ready?: string | RegExp | ((app: App) => boolean | Promise<boolean>)
  /** How long the app may take until it is ready, in ms. Default: 30 000. */
  startTimeout?: number
  /** How long the app may take to end after SIGTERM before it is killed, in ms. Default: 5000. */
  stopTimeout?: number
}

/** Where ports come from, and when to give up. */
export interface StartContext {
  /** Where the ports come from. Default: the allocator of this process for the options in its environment. */
  allocator?: PortAllocator
  /** When aborted, stops what was started, and throws the signal's reason. */
  signal?: AbortSignal
}

const APP_VALIDATORS: Record<keyof AppOptions, Validator> = {
  command: (value) =>
    isNonEmpty(value) || (Array.isArray(value) && isNonEmpty(value[0]) && value.every(isString))
      ? undefined
      : "Give a command line, such as 'node server.js', or an array of the program and its arguments.",
  cwd: (value) =>
    isNonEmpty(value) && statSync(value as string, { throwIfNoEntry: false })?.isDirectory()
      ? undefined
      : 'Give the path of an existing directory.',
  env: (value) =>
    isObject(value) && Object.values(value).every((each) => each === undefined || isString(each))
      ? undefined
      : 'Give an object with a string for each variable.',
  ports: (value) => (Array.isArray(value) ? undefined : "Give an array of names, such as ['api']."),
  ready: (value) =>
    isNonEmpty(value) || isRegExp(value) || typeof value === 'function'
      ? undefined
      : "Give a path such as '/health', a URL, a regular expression, or a function.",
  startTimeout: (value) => (value === 0 ? 'Give milliseconds above 0.' : milliseconds(value)),
  stopTimeout: milliseconds,
}

/** The names of these options in Playwright's `webServer` and similar tools. */
const OTHER_NAMES = {
  url: 'ready',
  timeout: 'startTimeout',
  gracefulShutdown: 'stopTimeout',
  args: 'command',
}

const CONTEXT_VALIDATORS: Record<keyof StartContext, Validator> = {
  allocator: (value) =>
    typeof (value as PortAllocator | null)?.takeMany === 'function'
      ? undefined
      : 'Give an allocator.',
  signal: abortSignal,
}

function isString(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0')
}

function isNonEmpty(value: unknown): boolean {
  return isString(value) && value !== ''
}

/** Not `instanceof`, because a jsdom window has its own class RegExp. */
function isRegExp(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object RegExp]'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function checkAppOptions(options: unknown): asserts options is AppOptions {
  checkOptions(options, APP_VALIDATORS, OTHER_NAMES)
  const { command, ready } = options as Partial<AppOptions>
  if (command === undefined) {
    throw invalidOption(
      'The option `command` is missing.',
      options,
      "Set what to run, for example `command: 'node server.js'`.",
    )
  }
  if (typeof ready === 'string' && !ready.startsWith('/') && !/^https?:\/\//i.test(ready)) {
    throw invalidOption(
      `The option \`ready\` is ${inspect(ready)}, which is neither a path nor a URL.`,
      ready,
      "Give a path such as '/health', or a URL that starts with http:// or https://.",
    )
  }
}

export function checkContext(context: unknown): asserts context is StartContext {
  checkOptions(context, CONTEXT_VALIDATORS)
}

export function checkReadyUrl(url: string): void {
  if (URL.canParse(url, 'http://localhost:1')) return
  throw invalidOption(
    `The option \`ready\` is ${inspect(url)}, which is not a URL.`,
    url,
    "Give a path such as '/health', or a complete URL.",
  )
}
