import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, lingerFrom } from '../command-line/linger.js'
import { millisecondsFrom, TIMEOUT } from '../command-line/seconds.js'
import { RANGE_AND_SHARD, RANGE_AND_SHARD_HELP, rangeAndShardOf } from '../command-line/settings.js'
import { leasePorts } from '../run/leased.js'
import { variablesFor } from '../run/names.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'

export const help = `portslice run: runs a command with ports that nobody else on this machine has

  portslice run -- npm start                            the port is in $PORT
  portslice run -- python3 -m http.server {PORT}        or in the arguments
  portslice run --name web --name api -- docker compose up
                                                        $WEB_PORT and $API_PORT
  portslice run --write-env .env.ports -- make serve    also in a file: PORT=20003
  portslice run -- sh -c 'serve & test; kill %1'        several programs on one port

Options, before the command; '--' may be left out
  --name NAME          a port with this name, in $NAME_PORT and {NAME_PORT}; once for each port
  --write-env FILE     writes the ports to this file, and removes it at the end
  --timeout SECONDS    how long to wait when all ports are taken; 10 unless given, 0 for not at all
${RANGE_AND_SHARD_HELP}

Input, output, terminal and signals are the command's own, and so is the exit status: 128 and the
signal's number where a signal ended it, 127 where there is no such command, 126 where it cannot
be run. The ports are given back when all that it started has ended, daemons included.

'--env-file FILE' means the same as '--write-env FILE', but Node itself looks for an option of this
name: where there is no FILE yet it ends with 'node: FILE: not found' and status 9.
`

const SYNTAX: Syntax<'name' | 'write-env' | 'env-file' | 'timeout' | 'range' | 'shard'> = {
  command: 'run',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    'write-env': { type: 'string', example: '.env.ports' },
    // The same; but Node looks for an option of this name itself, and ends when the file is missing.
    'env-file': { type: 'string', example: '.env.ports' },
    ...TIMEOUT,
    ...LINGER,
    ...RANGE_AND_SHARD,
  },
  program: { before: [] },
}

/** Enough to recognise a command by. */
const MAX_LABEL_LENGTH = 200

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { program } = given
  const variables = variablesFor(given.values('name'))
  const { options, env } = rangeAndShardOf(given)
  const timeout = millisecondsFrom(given, 'timeout')
  const linger = lingerFrom(given)
  const signals = new SignalForwarder()
  const label = program.join(' ').slice(0, MAX_LABEL_LENGTH)
  const { leases, ports } = await leasePorts({ variables, label, options, timeout })
  const envFile = given.value('write-env') ?? given.value('env-file')
  return runWithPorts({ ports, leases, program, env, envFile, linger, signals })
}
