import { claimPort, type PortLease } from '@portslice/core'
import { type ClaimTimeoutError, inspect, PortsliceError } from '@portslice/core/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, lingerFrom } from '../command-line/linger.js'
import { millisecondsFrom, TIMEOUT } from '../command-line/seconds.js'
import { usageError } from '../command-line/usage-error.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'
import { say } from '../terminal/say.js'

export const help = `portslice claim: runs a command on a fixed port, one at a time on this machine

  portslice claim 3000 -- npm start                 waits while somebody else has port 3000
  portslice claim 3000,3001,3002 -- serve {PORT}    the first of them that is free
  portslice claim --timeout 600 3000 -- make test   waits for up to ten minutes

Options
  --timeout SECONDS   how long to wait for the port; 60 unless given, 0 for not at all

For ports that are fixed elsewhere, as in an OAuth redirect. The port is in $PORT and {PORT}; all
else is as in 'portslice run'.
`

const SYNTAX: Syntax<'timeout'> = {
  command: 'claim',
  options: TIMEOUT,
  program: { before: ['PORT'] },
}

/** ms; as claimPort has it. */
const DEFAULT_TIMEOUT_MS = 60_000
/** How long to wait before it is looked again who is in the way, in ms. */
const RETRY_INTERVAL_MS = 2000

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const ports = portsFrom(given.operands[0] as string)
  const timeout = millisecondsFrom(given, 'timeout') ?? DEFAULT_TIMEOUT_MS
  const lease = await claim(ports, timeout)
  const variable = { variable: 'PORT', port: lease.port }
  return runWithPorts({
    ports: [variable],
    leases: [lease],
    program: given.program,
    env: {},
    signals: new SignalForwarder(),
  })
}

/** Waits for the port, and tells for whom, anew whenever that has changed. */
async function claim(ports: readonly number[], timeout: number): Promise<PortLease> {
  const end = performance.now() + timeout
  let told = ''
  for (let step = 0; ; step = Math.min(RETRY_INTERVAL_MS, Math.max(0, end - performance.now()))) {
    try {
      return await claimPort(ports, { timeout: step })
    } catch (error) {
      const isTimeout =
        error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_CLAIM_TIMEOUT'
      if (!isTimeout) throw error
      const obstacles = textOf(error as ClaimTimeoutError)
      if (performance.now() >= end) throw gaveUp(ports, timeout, error as ClaimTimeoutError)
      if (obstacles !== told) say(`waiting: ${obstacles}`)
      told = obstacles
    }
  }
}

function textOf({ obstacles }: ClaimTimeoutError): string {
  return obstacles.map(({ text }) => text).join('; ')
}

function gaveUp(
  ports: readonly number[],
  timeout: number,
  cause: ClaimTimeoutError,
): PortsliceError {
  return new PortsliceError(
    cause.code,
    `${ports.length === 1 ? `Port ${ports[0]}` : `One of the ports ${ports.join(', ')}`} could not be claimed within ${timeout / 1000} s: ${textOf(cause)}.`,
    {
      value: ports,
      advice: cause.obstacles.some(({ isLeased }) => isLeased)
        ? 'Wait until it has ended, or give it more time with --timeout SECONDS. Keep fixed ports out of the range that is leased: see $PORTSLICE_RANGE.'
        : 'Wait until it has ended, end it, or give it more time with --timeout SECONDS.',
      cause,
    },
  )
}

function portsFrom(text: string): number[] {
  const ports = text.split(',').map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : 0))
  if (ports.every((port) => port >= 1 && port <= 65_535)) return ports
  throw usageError(
    `${inspect(text)} is no port.`,
    'Give a port from 1 to 65535, or several with commas between them: portslice claim 3000 -- COMMAND …',
    text,
  )
}
