import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, lingerFrom } from '../command-line/linger.js'
import { checkDistinct, portListFrom } from '../command-line/ports.js'
import { millisecondsFrom, TIMEOUT } from '../command-line/seconds.js'
import { RANGE_AND_SHARD, RANGE_AND_SHARD_HELP, rangeAndShardOf } from '../command-line/settings.js'
import { usageError } from '../command-line/usage-error.js'
import { leasePorts } from '../run/leased.js'
import { variablesFor } from '../run/names.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'
import { COUNT, tableFrom } from '../run/table.js'

export const help = `portslice run: runs a command with ports that no other process on this machine has

  portslice run -- npm start                            the port is in $PORT
  portslice run -- python3 -m http.server {PORT}        or in the arguments
  portslice run --name web --name api -- docker compose up
                                                        $WEB_PORT and $API_PORT
  portslice run --count 20 -- node --test               20 ports in $PORTS, with commas between
  portslice run --prefer 3000 -- npm start              port 3000 if it is free, else another
  portslice run --write-env .env.ports -- make serve    also in a file: PORT=20003
  portslice run -- sh -c 'serve & test; kill %1'        several programs on one port

Options, before the command; '--' may be left out
  --name NAME          a port with this name, in $NAME_PORT and {NAME_PORT}; once for each port
  --count NUMBER       so many ports without names: all in $PORTS, the first also in $PORT
  --prefer PORT        this port, or one of a list (3000,3001), if it is free at once; the second
                       --prefer is for the second port, and so on
  --write-env FILE     writes the ports to this file, and removes it at the end
  --timeout SECONDS    how long to wait when all ports are taken; 10 unless given, 0 for not at all
${LINGER_HELP}
${RANGE_AND_SHARD_HELP}

Input, output, terminal and signals are the command's own, and so is the exit status: 128 and the
signal's number if a signal ended it, 127 if the command does not exist, 126 if it cannot be run.

The run goes on while a process that the command started uses one of the ports. Other processes
that it left get --linger SECONDS to begin with that, and are then left running. After the command
has ended, a second Ctrl-C sends SIGTERM to all of them and ends the run.

'--env-file FILE' means the same as '--write-env FILE', but Node itself looks for an option of this
name: if FILE does not exist yet, it ends with 'node: FILE: not found' and status 9.
`

const SYNTAX: Syntax<
  | 'name'
  | 'count'
  | 'prefer'
  | 'write-env'
  | 'env-file'
  | 'timeout'
  | 'linger'
  | 'wait-all'
  | 'range'
  | 'shard'
> = {
  command: 'run',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    ...COUNT,
    prefer: { type: 'string', multiple: true, example: '3000' },
    'write-env': { type: 'string', example: '.env.ports' },
    // The same; but Node looks for an option of this name itself, and ends when the file is missing.
    'env-file': { type: 'string', example: '.env.ports' },
    ...TIMEOUT,
    ...LINGER,
    ...RANGE_AND_SHARD,
  },
  program: {},
}

/** Enough to recognise a command by. */
const MAX_LABEL_LENGTH = 200

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { program } = given
  const names = given.values('name')
  const table = tableFrom(given)
  const named = names.length > 0 || table.length === 0 ? variablesFor(names) : []
  const variables = [...named, ...table]
  const prefer = given
    .values('prefer')
    .map((text) => portListFrom(text, 'portslice run --prefer 3000,3001 -- COMMAND …'))
  checkDistinct(prefer)
  if (prefer.length > variables.length) {
    throw usageError(
      `The option --prefer is given ${prefer.length} times for ${variables.length === 1 ? '1 port' : `${variables.length} ports`}.`,
      'Give it once for each port, in the order of --name, and then those of --count. Several choices for one port are a list: --prefer 3000,3001',
    )
  }
  const { options, env } = rangeAndShardOf(given)
  const timeout = millisecondsFrom(given, 'timeout')
  const linger = lingerFrom(given)
  const signals = new SignalForwarder()
  const label = program.join(' ').slice(0, MAX_LABEL_LENGTH)
  const { leases, ports } = await leasePorts({ variables, prefer, label, options, timeout })
  const envFile = given.value('write-env') ?? given.value('env-file')
  return runWithPorts({ ports, leases, program, env, envFile, linger, signals })
}
