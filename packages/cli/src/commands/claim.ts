import type { PortLease } from '@portslice/core'
import {
  type ClaimObstacle,
  type ClaimTimeoutError,
  claimPortsWithProgress,
  PortsliceError,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, lingerFrom } from '../command-line/linger.js'
import { checkDistinct, looksLikePorts, portListFrom } from '../command-line/ports.js'
import { millisecondsFrom, TIMEOUT } from '../command-line/seconds.js'
import { usageError } from '../command-line/usage-error.js'
import { variablesFor } from '../run/names.js'
import type { GivenPort } from '../run/ports.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'
import { say } from '../terminal/say.js'

export const help = `portslice claim: runs a command on fixed ports, one run at a time on this machine

  portslice claim 3000 -- npm start                 waits while another process has port 3000
  portslice claim 8080 9099 -- firebase emulators:start
                                                    both of them
  portslice claim 3000,3001,3002 -- serve {PORT}    the first of them that is free
  portslice claim --timeout 600 3000 -- make test   waits for up to ten minutes

Options, before the command
  --name NAME          puts the port in $NAME_PORT and {NAME_PORT}; once for each argument
  --write-env FILE     writes the ports to this file, and removes it at the end
  --timeout SECONDS    how long to wait for the ports; 60 unless given, 0 for not at all
${LINGER_HELP}

For ports that are fixed elsewhere, as in an OAuth redirect. Several arguments are all claimed, or
none of them; of a list with commas, one is. Without --name, the port of the first argument is in
$PORT and {PORT}. All else is as in 'portslice run'.
`

const SYNTAX: Syntax<'name' | 'write-env' | 'timeout' | 'linger' | 'wait-all'> = {
  command: 'claim',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    'write-env': { type: 'string', example: '.env.ports' },
    ...TIMEOUT,
    ...LINGER,
  },
  program: { operand: { name: 'PORT', example: '3000', isOne: looksLikePorts } },
}

/** As claimPort has it. */
const DEFAULT_TIMEOUT_MS = 60_000

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const wanted = given.operands.map((text) =>
    portListFrom(text, 'portslice claim 3000,3001 -- COMMAND …'),
  )
  checkDistinct(wanted)
  const variables = variablesFor(given.values('name'))
  if (given.has('name') && variables.length !== wanted.length) {
    throw usageError(
      `There are ${variables.length} names for ${wanted.length} ports.`,
      'Give --name once for each argument with ports, in the same order, or not at all.',
    )
  }
  const timeout = millisecondsFrom(given, 'timeout') ?? DEFAULT_TIMEOUT_MS
  const linger = lingerFrom(given)
  const leases = await claim(wanted, timeout)
  const ports = variables.map((variable, at): GivenPort => {
    return { ...variable, port: (leases[at] as PortLease).port }
  })
  return runWithPorts({
    ports,
    leases,
    program: given.program,
    env: {},
    envFile: given.value('write-env'),
    linger,
    signals: new SignalForwarder(),
  })
}

/** Waits for the ports, and says what is in the way, anew whenever that has changed. */
async function claim(wanted: readonly number[][], timeout: number): Promise<PortLease[]> {
  let said = ''
  let isWaiting = true
  const onObstacles = (obstacles: readonly ClaimObstacle[]) => {
    const text = obstaclesOf({ obstacles })
    // How long a quarantine lasts changes each time, and is no news.
    const news = text.replaceAll(/\d+ s more/g, '')
    if (isWaiting && news !== said) say(`waiting: ${text}`)
    said = news
  }
  try {
    return await claimPortsWithProgress(wanted, { timeout, onObstacles })
  } catch (error) {
    throw isClaimTimeout(error) ? gaveUp(wanted, timeout, error as ClaimTimeoutError) : error
  } finally {
    isWaiting = false
  }
}

function isClaimTimeout(error: unknown): boolean {
  return error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_CLAIM_TIMEOUT'
}

function obstaclesOf({ obstacles }: { obstacles: readonly ClaimObstacle[] }): string {
  return obstacles.map(({ text }) => text).join('; ')
}

function gaveUp(
  wanted: readonly number[][],
  timeout: number,
  cause: ClaimTimeoutError,
): PortsliceError {
  const names = wanted.map((list) =>
    list.length === 1 ? `Port ${list[0]}` : `One of the ports ${list.join(', ')}`,
  )
  const what = wanted.length === 1 ? names[0] : `All of ${wanted.join(' ')}`
  return new PortsliceError(
    cause.code,
    `${what} could not be claimed within ${timeout / 1000} s: ${obstaclesOf(cause)}.`,
    {
      value: wanted.flat(),
      advice: cause.obstacles.some(({ isLeased }) => isLeased)
        ? 'Wait until it has ended, or give it more time with --timeout SECONDS. Keep fixed ports out of the range that is leased: see $PORTSLICE_RANGE.'
        : 'Wait until it has ended, end it, or give it more time with --timeout SECONDS.',
      cause,
    },
  )
}
