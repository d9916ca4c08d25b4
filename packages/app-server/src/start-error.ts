import { PortsliceError } from '@portslice/core'
import type { AppOptions } from './options.js'
import type { Output } from './output.js'
import type { Missing, NotReady } from './readiness.js'
import type { Exit } from './started-process.js'

export interface FailedStart {
  name: string | undefined
  options: AppOptions
  cwd: string
  port: number
  output: Output
  /** A process that was started without $PORT. */
  withoutPort?: string | undefined
}

/** Exit statuses of a shell. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
/** In characters: enough to recognise a command. */
const MAX_COMMAND_LENGTH = 200

export function commandLine({ command }: AppOptions): string {
  return typeof command === 'string' ? command : command.join(' ')
}

export function describeApp(name: string | undefined, options: AppOptions): string {
  const line = commandLine(options).replaceAll(/\s+/g, ' ')
  const short = line.length > MAX_COMMAND_LENGTH ? `${line.slice(0, MAX_COMMAND_LENGTH)}…` : line
  return `The app ${name === undefined ? `\`${short}\`` : `"${name}" (\`${short}\`)`}`
}

/** Call it after all output has been read, because the message contains the last lines. */
export function notReadyError(failed: FailedStart, notReady: NotReady): PortsliceError {
  const start = { ...failed, withoutPort: notReady.withoutPort }
  if (notReady.reason === 'timeout') return timeoutError(start, notReady)
  if (notReady.reason === 'port-taken') return portTakenError(start)
  const { exit } = notReady
  return startError(start, describeExit(exit), adviceForExit(start, exit), exit.error)
}

function timeoutError(
  start: FailedStart,
  { timeoutMs, missing, listensOn }: Extract<NotReady, { reason: 'timeout' }>,
): PortsliceError {
  const usesItsPort = listensOn.includes(start.port)
  const usesOtherPort = listensOn.length > 0 && !usesItsPort
  return startError(
    start,
    `was not ready after ${timeoutMs} ms: ${describeMissing(missing, start.port)}${usesOtherPort ? `, but the app listens on ${listensOn.join(', ')}` : ''}`,
    usesItsPort
      ? adviceForListener(missing)
      : (adviceWithoutPort(start) ??
          (usesOtherPort
            ? 'Tell the app its port: it is in the environment variable $PORT, and {PORT} in the command is replaced by it.'
            : adviceForSilence(missing))),
  )
}

function describeMissing(missing: Missing, port: number): string {
  switch (missing.what) {
    case 'listener':
      return `nothing listens on port ${port}`
    case 'observation':
      return 'the app could not be checked in this time'
    case 'foreign listener':
      return 'another program listens on its port'
    case 'output':
      return `its output does not match ${missing.pattern}`
    case 'function':
      return `\`ready\` ${missing.problem}`
    case 'answer': {
      const { url, status, error } = missing.answer
      return status === undefined
        ? `${url} does not answer (${error})`
        : `${url} answers with status ${status}`
    }
  }
}

/** The app listens on its port, so `ready` or the timeout is wrong. */
function adviceForListener(missing: Missing): string {
  const changes: Partial<Record<Missing['what'], string>> = {
    answer: ' to a page that it answers with 2xx, 3xx or 400 to 403',
    output: ' to something that it prints, or leave it out to wait for the port alone',
    function: '',
  }
  const change = changes[missing.what]
  return change === undefined
    ? 'Raise `startTimeout`: the app listens on its port by now.'
    : `The app listens on its port. Change \`ready\`${change}, or raise \`startTimeout\` if the app only needs longer.`
}

function adviceForSilence({ what }: Missing): string {
  const longer = 'or raise `startTimeout` if it only needs longer.'
  return what === 'output' || what === 'function'
    ? `Check its output and what \`ready\` waits for, ${longer}`
    : `Check that the app uses $PORT or {PORT}, and check its output, ${longer}`
}

/** `undefined` for a command with {PORT}, which does not need the variable. */
function adviceWithoutPort({ withoutPort, options }: FailedStart): string | undefined {
  if (withoutPort === undefined || commandLine(options).includes('{PORT}')) return undefined
  return `The command did not pass $PORT on: ${withoutPort} runs without it. Let the variable through (in Turborepo by \`globalPassThroughEnv\`), or put {PORT} into the command.`
}

export function portTakenError(start: FailedStart): PortsliceError {
  return startError(
    start,
    `found port ${start.port} taken by another program`,
    'Check which program binds ports of this range, and set the option `range`, or $PORTSLICE_RANGE, to others.',
  )
}

/** After several ports in a row: the address in use may not be the app's port. */
export function stillTakenError(reason: PortsliceError, ports: readonly number[]): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    `${reason.problem}\nThe start was tried on the ports ${ports.join(', ')}, and each time an address was in use.`,
    {
      value: reason.value,
      advice:
        'Check in its output which address that is. If the app has another hard-coded port, give it a leased one with the option `ports`; if a program binds ports of this range, set the option `range`, or $PORTSLICE_RANGE, to others.',
      cause: reason,
    },
  )
}

function describeExit({ error, status, signal }: Exit): string {
  if (error) return `could not be started (${error.code ?? error.message})`
  return signal
    ? `was ended by ${signal} before it was ready`
    : `ended with exit status ${status} before it was ready`
}

function adviceForExit(start: FailedStart, { error, status }: Exit): string {
  const {
    options: { command },
    cwd,
  } = start
  const isShell = typeof command === 'string'
  if (error?.code === 'ENOENT' && /\s/.test(command[0] ?? '')) {
    return 'No such program. An array is a program and its arguments, each as one string; give a complete command line as a string.'
  }
  if (error?.code === 'ENOENT' || (isShell && status === NOT_FOUND)) {
    return `No such program. Check its spelling and that it is installed: it must be on the PATH or in node_modules/.bin of ${cwd} or a parent directory.`
  }
  if (error?.code === 'EACCES' || (isShell && status === NOT_EXECUTABLE)) {
    return 'The file is not executable: check its permissions (chmod +x).'
  }
  const byHand = `Check its output, or run it by hand in ${cwd} with a port in $PORT.`
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
  const tail = lines.length > 0 ? ['Its last output:', ...lines.map((each) => `  ${each}`)] : []
  return new PortsliceError(
    'ERR_PORTSLICE_APP_START',
    [`${describeApp(name, options)} ${problem}.`, ...tail].join('\n'),
    { value: line, advice, ...(cause !== undefined && { cause }) },
  )
}
