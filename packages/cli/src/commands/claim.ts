import type { PortLease } from '@portslice/core'
import {
  type ClaimObstacle,
  type ClaimTimeoutError,
  claimPortsWithProgress,
  PortsliceError,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, parseLinger } from '../command-line/linger-options.js'
import { looksLikePorts, parsePortList, rejectDuplicates } from '../command-line/ports.js'
import { parseSecondsOption, TIMEOUT } from '../command-line/seconds-option.js'
import { usageError } from '../command-line/usage-error.js'
import type { AssignedPort } from '../run/pass-ports.js'
import { variablesFor } from '../run/port-variables.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'
import { printNotice } from '../terminal/print.js'

export const help = `portslice claim: runs a command on fixed ports, one run at a time on this machine

  portslice claim 3000 -- npm start                 waits while another process has port 3000
  portslice claim 8080 9099 -- firebase emulators:start
                                                    claims both ports
  portslice claim 3000,3001,3002 -- serve {PORT}    the first of them that is free
  portslice claim --timeout 600 3000 -- make test   waits for up to ten minutes

Options, before the command
  --name NAME          puts the port in $NAME_PORT and {NAME_PORT}; once for each argument
  --write-env FILE     writes the ports to this file, and removes it at the end
  --timeout SECONDS    how long to wait for the ports; default 60, 0 does not wait
${LINGER_HELP}

For ports that are fixed elsewhere, such as in an OAuth redirect. Several arguments are claimed
together or not at all. From a list with commas, one port is claimed. Without --name, the port of
the first argument is in $PORT and {PORT}. Everything else works as in 'portslice run'.
`

export const syntax: Syntax<'name' | 'write-env' | 'timeout' | 'linger' | 'wait-all'> = {
  command: 'claim',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    'write-env': { type: 'string', example: '.env.ports', isFile: true },
    ...TIMEOUT,
    ...LINGER,
  },
  program: { operand: { name: 'PORT', example: '3000', accepts: looksLikePorts } },
}

const DEFAULT_TIMEOUT_MS = 60_000

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const wanted = given.operands.map((text) =>
    parsePortList(text, 'portslice claim 3000,3001 -- COMMAND …'),
  )
  rejectDuplicates(wanted)
  const variables = variablesFor(given.values('name'))
  if (given.has('name') && variables.length !== wanted.length) {
    throw usageError(
      `There are ${variables.length} names for ${wanted.length} ports.`,
      'Give --name once for each argument with ports, in the same order, or not at all.',
    )
  }
  const timeout = parseSecondsOption(given, 'timeout') ?? DEFAULT_TIMEOUT_MS
  const lingerMs = parseLinger(given)
  const leases = await claim(wanted, timeout)
  const ports = variables.map((variable, index): AssignedPort => {
    return { ...variable, port: (leases[index] as PortLease).port }
  })
  return runWithPorts({
    ports,
    leases,
    program: given.program,
    env: {},
    envFile: given.value('write-env'),
    lingerMs,
    signals: new SignalForwarder(),
  })
}

/** Waits for the ports. Prints the obstacles whenever they change. */
async function claim(wanted: readonly number[][], timeout: number): Promise<PortLease[]> {
  let printed = ''
  let isWaiting = true
  const onObstacles = (obstacles: readonly ClaimObstacle[]) => {
    const text = formatObstacles(obstacles)
    // If only the remaining times have changed, nothing is printed.
    const withoutTimes = text.replaceAll(/\d+ s more/g, '')
    if (isWaiting && withoutTimes !== printed) printNotice(`waiting: ${text}`)
    printed = withoutTimes
  }
  try {
    return await claimPortsWithProgress(wanted, { timeout, onObstacles })
  } catch (error) {
    throw isClaimTimeout(error) ? timeoutError(wanted, timeout, error) : error
  } finally {
    isWaiting = false
  }
}

function isClaimTimeout(error: unknown): error is ClaimTimeoutError {
  return error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_CLAIM_TIMEOUT'
}

function formatObstacles(obstacles: readonly ClaimObstacle[]): string {
  return obstacles.map(({ text }) => text).join('; ')
}

function formatFailure(wanted: readonly number[][]): string {
  if (wanted.length > 1) return `The ports ${wanted.join(' ')} could not all be claimed`
  const [ports = []] = wanted
  return ports.length === 1
    ? `Port ${ports[0]} could not be claimed`
    : `None of the ports ${ports.join(', ')} could be claimed`
}

function timeoutError(
  wanted: readonly number[][],
  timeout: number,
  cause: ClaimTimeoutError,
): PortsliceError {
  return new PortsliceError(
    cause.code,
    `${formatFailure(wanted)} within ${timeout / 1000} s: ${formatObstacles(cause.obstacles)}.`,
    {
      value: wanted.flat(),
      advice: cause.obstacles.some(({ isLeased }) => isLeased)
        ? 'Wait until that process has ended, or wait longer with --timeout SECONDS. Keep fixed ports out of the range that is leased: see $PORTSLICE_RANGE.'
        : 'Wait until that process has ended, end it, or wait longer with --timeout SECONDS.',
      cause,
    },
  )
}
