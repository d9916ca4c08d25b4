/** Why an app did not start, in words. */
import { PortsliceError } from '@portslice/core'
import type { AppOptions } from './options.js'
import type { Output } from './output.js'
import type { Missing } from './ready.js'
import type { Exit } from './started-process.js'

export interface FailedStart {
  name: string | undefined
  options: AppOptions
  cwd: string
  port: number
  output: Output
  /** A process of the app that was not given $PORT. */
  withoutPort?: string | undefined
}

/** What a shell answers when it does not find a program, or may not run it. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
/** Enough to recognise a command by, in characters. */
const LONGEST_COMMAND = 200

/** The command as it was given, with spaces between arguments. */
export function commandLine({ command }: AppOptions): string {
  return typeof command === 'string' ? command : command.join(' ')
}

/** An app as it stands at the start of a sentence. */
export function describe(name: string | undefined, options: AppOptions): string {
  const line = commandLine(options).replaceAll(/\s+/g, ' ')
  const short = line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND)}…` : line
  return `The app ${name === undefined ? `\`${short}\`` : `"${name}" (\`${short}\`)`}`
}

export function endedTooSoon(start: FailedStart, exit: Exit): PortsliceError {
  return startError(start, how(exit), adviceFor(start, exit), exit.error)
}

/** A start that took too long. */
export interface LateStart {
  /** ms */
  timeout: number
  missing: Missing
  listensOn: readonly number[]
}

export function notReadyInTime(start: FailedStart, late: LateStart): PortsliceError {
  const { timeout, missing, listensOn } = late
  const elsewhere = listensOn.filter((port) => port !== start.port)
  const isHere = listensOn.includes(start.port)
  const isDeaf = elsewhere.length > 0 && !isHere
  return startError(
    start,
    `was not ready after ${timeout} ms: ${inWords(missing, start.port)}${isDeaf ? `, but the app listens on ${elsewhere.join(', ')}` : ''}`,
    isHere
      ? adviceForListener(missing)
      : (adviceWithoutPort(start) ??
          (isDeaf
            ? 'Tell the app its port: it is in the environment variable $PORT, and {PORT} in the command stands for it.'
            : adviceForSilence(missing))),
  )
}

function inWords(missing: Missing, port: number): string {
  switch (missing.what) {
    case 'listener':
      return `nothing listens on port ${port}`
    case 'look':
      return 'the app could not be looked at in this time'
    case 'stranger':
      return 'another program listens on its port'
    case 'output':
      return `its output does not match ${missing.pattern}`
    case 'function':
      return `\`ready\` ${missing.says}`
    case 'answer': {
      const { url, status, error } = missing.answer
      return status === undefined
        ? `${url} does not answer (${error})`
        : `${url} answers with status ${status}`
    }
  }
}

/** The app has its port and uses it: what is wrong is what `ready` waits for, or the time. */
function adviceForListener(missing: Missing): string {
  const orLonger = 'or raise `startTimeout` if the app only needs longer.'
  switch (missing.what) {
    case 'answer':
      return `The app listens on its port. Change \`ready\` to a page that it answers with 2xx, 3xx or 400 to 403, ${orLonger}`
    case 'output':
      return `The app listens on its port. Change \`ready\` to something that it prints, or leave it out to wait for the port alone, ${orLonger}`
    case 'function':
      return `The app listens on its port. Change \`ready\`, ${orLonger}`
    default:
      return 'Raise `startTimeout`: the app listens on its port by now.'
  }
}

function adviceForSilence({ what }: Missing): string {
  const longer = 'or raise `startTimeout` if it only needs longer.'
  return what === 'output' || what === 'function'
    ? `See what it printed, and whether \`ready\` waits for the right thing, ${longer}`
    : `See whether the app uses $PORT or {PORT}, and what it printed, ${longer}`
}

/** Where the command names its port by {PORT}, it need not pass on the variable. */
function adviceWithoutPort({ withoutPort, options }: FailedStart): string | undefined {
  if (withoutPort === undefined || commandLine(options).includes('{PORT}')) return undefined
  return `The command did not pass $PORT on: ${withoutPort} runs without it. Let the variable through (in Turborepo by \`globalPassThroughEnv\`), or name the port in the command by {PORT}.`
}

export function portTaken(start: FailedStart): PortsliceError {
  return startError(
    start,
    `found port ${start.port} taken by another program`,
    'See which program binds ports of this range by itself, and set the option `range`, or $PORTSLICE_RANGE, to others.',
  )
}

/** After several ports in a row: it may as well be another address that the app cannot have. */
export function stillTaken(reason: PortsliceError, ports: readonly number[]): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    `${reason.problem}\nIt was tried on the ports ${ports.join(', ')}, and each time said that an address is in use.`,
    {
      value: reason.value,
      advice:
        'See in what it printed which address that is. Where the app has another port hard-coded, give it one of its own with the option `ports`; where a program binds ports of this range by itself, set the option `range`, or $PORTSLICE_RANGE, to others.',
      cause: reason,
    },
  )
}

function how({ error, status, signal }: Exit): string {
  if (error) return `could not be started (${error.code ?? error.message})`
  return signal
    ? `was ended by ${signal} before it was ready`
    : `ended with exit status ${status} before it was ready`
}

function adviceFor(start: FailedStart, { error, status }: Exit): string {
  const {
    options: { command },
    cwd,
  } = start
  const isShell = typeof command === 'string'
  if (error?.code === 'ENOENT' && /\s/.test(command[0] ?? '')) {
    return 'No such program. An array is a program and its arguments, each by itself; a whole command line is given as a text.'
  }
  if (error?.code === 'ENOENT' || (isShell && status === NOT_FOUND)) {
    return `No such program. See whether it is installed and spelled as it should be: it is looked for on the PATH and in the node_modules/.bin folders from ${cwd} upwards.`
  }
  if (error?.code === 'EACCES' || (isShell && status === NOT_EXECUTABLE)) {
    return 'The file may not be executed: see its permissions (chmod +x).'
  }
  const byHand = `See what it printed, if anything, or run it by hand in ${cwd} with a port in $PORT.`
  return [byHand, adviceWithoutPort(start)].filter(Boolean).join(' ')
}

function startError(
  { name, options, output }: FailedStart,
  problem: string,
  advice: string,
  cause?: unknown,
): PortsliceError {
  const line = commandLine(options)
  const lines = output.tail()
  const printed = lines.length > 0 ? ['It printed last:', ...lines.map((each) => `  ${each}`)] : []
  return new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    [`${describe(name, options)} ${problem}.`, ...printed].join('\n'),
    { value: line, advice, ...(cause !== undefined && { cause }) },
  )
}
