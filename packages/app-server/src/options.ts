/** What a caller may ask for, checked. */
import { statSync } from 'node:fs'
import { type PortAllocator, PortsliceError } from '@portslice/core'
import {
  abortSignal,
  type Check,
  checkOptions,
  inspect,
  milliseconds,
} from '@portslice/core/internal'
import type { App } from './app.js'

/** What to start, and when it is ready. */
export interface AppOptions {
  /**
   * What to run: a text that the shell reads, or a program and its arguments, which no shell
   * sees. `{PORT}` stands for the app's port, `{API_PORT}` for the one named `api`. Programs of
   * the `node_modules/.bin` folders above `cwd` are found.
   */
  command: string | readonly string[]
  /** The folder to run it in. Default: the current one. */
  cwd?: string
  /**
   * Variables to be added to the environment, or removed from it where `undefined`. `{PORT}` and
   * its like are replaced here, too. What is given here wins over what portslice sets:
   * `PORT`, and `API_PORT` for a port named `api`.
   */
  env?: Readonly<Record<string, string | undefined>>
  /** Names of further ports for the app, such as `['api', 'db']`. Names differ in more than case, `-` and `_`. */
  ports?: readonly string[]
  /**
   * When the app is ready. Default: when it listens on its port.
   *
   * - a path (`'/health'`) or URL: when it answers with 2xx, 3xx or 400 to 403, as for
   *   Playwright's `webServer`
   * - a RegExp: when the output matches it, stdout and stderr together
   * - a function: when it returns true; asked again and again, also when it throws
   */
  ready?: string | RegExp | ((app: App) => boolean | Promise<boolean>)
  /** How long the app may take until it is ready, in ms. Default: 30 000. */
  startTimeout?: number
  /** How long the app may take to end after SIGTERM before it is killed, in ms. Default: 5000. */
  stopTimeout?: number
}

/** Where ports come from, and when to give up. */
export interface StartContext {
  /** Where the ports come from. Default: the allocator that this process has for the options in its environment. */
  allocator?: PortAllocator
  /** Gives up and stops what was started, with the signal's reason. */
  signal?: AbortSignal
}

const CHECKS: Record<keyof AppOptions, Check> = {
  command: (value) =>
    isText(value) || (Array.isArray(value) && isText(value[0]) && value.every(isString))
      ? undefined
      : "Give a command line, such as 'node server.js', or an array of the program and its arguments.",
  cwd: (value) =>
    isText(value) && statSync(value as string, { throwIfNoEntry: false })?.isDirectory()
      ? undefined
      : 'Give the path of a folder that there is.',
  env: (value) =>
    isObject(value) && Object.values(value).every((each) => each === undefined || isString(each))
      ? undefined
      : 'Give an object with a text for each variable.',
  ports: (value) => (Array.isArray(value) ? undefined : "Give an array of names, such as ['api']."),
  ready: (value) =>
    isText(value) || isRegExp(value) || typeof value === 'function'
      ? undefined
      : "Give a path such as '/health', a URL, a regular expression, or a function.",
  startTimeout: (value) => (value === 0 ? 'Give milliseconds above 0.' : milliseconds(value)),
  stopTimeout: milliseconds,
}

const CHECKS_OF_CONTEXT: Record<keyof StartContext, Check> = {
  allocator: (value) =>
    typeof (value as PortAllocator | null)?.take === 'function' ? undefined : 'Give an allocator.',
  signal: abortSignal,
}

function isString(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0')
}

function isText(value: unknown): boolean {
  return isString(value) && value !== ''
}

/** By its tag: a test's environment may have classes of its own. */
function isRegExp(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object RegExp]'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID */
export function checkAppOptions(options: unknown): asserts options is AppOptions {
  checkOptions(options, CHECKS)
  const { command, ready } = options as Partial<AppOptions>
  if (command === undefined) {
    throw new PortsliceError('ERR_PORTSLICE_OPTION_INVALID', 'The option `command` is missing.', {
      value: options,
      advice: "Say what to run, for example `command: 'node server.js'`.",
    })
  }
  if (typeof ready === 'string' && !ready.startsWith('/') && !/^https?:\/\//i.test(ready)) {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `The option \`ready\` is ${inspect(ready)}, which is neither a path nor a URL.`,
      {
        value: ready,
        advice: "Give a path such as '/health', or a URL that starts with http:// or https://.",
      },
    )
  }
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID */
export function checkContext(context: unknown): asserts context is StartContext {
  checkOptions(context, CHECKS_OF_CONTEXT)
}
