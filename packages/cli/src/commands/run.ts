import { readArguments, type Syntax } from '../command-line/arguments.js'
import { LINGER, LINGER_HELP, parseLinger } from '../command-line/linger-options.js'
import { parsePortList, rejectDuplicates } from '../command-line/ports.js'
import {
  parseRangeAndShard,
  RANGE_AND_SHARD,
  RANGE_AND_SHARD_HELP,
} from '../command-line/range-and-shard.js'
import { parseSecondsOption, TIMEOUT } from '../command-line/seconds-option.js'
import { usageError } from '../command-line/usage-error.js'
import { COUNT, parseCount } from '../run/count-option.js'
import { leasePorts } from '../run/lease-ports.js'
import { variablesFor } from '../run/port-variables.js'
import { printUrls } from '../run/print-urls.js'
import { runWithPorts } from '../run/run-with-ports.js'
import { SignalForwarder } from '../run/signal-forwarder.js'
import { pluralize } from '../terminal/format.js'

export const help = `portslice run: runs a command with ports that no other process on this machine has

  portslice run -- npm start                            the port is in $PORT
  portslice run -- python3 -m http.server {PORT}        or in the arguments
  portslice run --name web --name api -- docker compose up
                                                        $WEB_PORT and $API_PORT
  portslice run --count 20 -- node --test               20 ports in $PORTS, with commas between
  portslice run --prefer 3000 -- npm start              port 3000 if it is free, otherwise another
  portslice run --write-env .env.ports -- make serve    also in a file: PORT=20003
  portslice run -- sh -c 'serve & test; kill %1'        several programs on one port

Options, before the command; '--' may be left out
  --name NAME          a port named NAME, in $NAME_PORT and {NAME_PORT}; repeat for more ports
  --count NUMBER       that many ports without names: all in $PORTS, the first also in $PORT
  --prefer PORT        this port, or one of a list (3000,3001), if it is free now; the second
                       --prefer is for the second port, and so on
  --write-env FILE     writes the ports to this file, and removes it at the end
  --timeout SECONDS    how long to wait if all ports are taken; default 10, 0 does not wait
${LINGER_HELP}
${RANGE_AND_SHARD_HELP}
  --quiet              does not print the URLs of the ports when it starts on a terminal

The command gets stdin, stdout, stderr, the terminal and signals directly. The exit status is that
of the command: 128 plus the signal number if a signal ended it, 127 if the command does not exist,
126 if it cannot be executed.

The run continues while a process that the command started uses one of the ports. Background
processes that use none have --linger SECONDS to start using one, and are then left running. After
the command has ended, a second Ctrl-C sends SIGTERM to all of them and ends the run.

'--env-file FILE' is an alias of '--write-env FILE'. Node has an option of the same name: if FILE
does not exist yet, Node may end with 'node: FILE: not found' and status 9.
`

export const syntax = {
  command: 'run',
  options: {
    name: { type: 'string', multiple: true, example: 'web' },
    ...COUNT,
    prefer: { type: 'string', multiple: true, example: '3000' },
    'write-env': { type: 'string', example: '.env.ports', isFile: true },
    // An alias of --write-env. Node has an option of this name, and fails if the file is missing.
    'env-file': { type: 'string', example: '.env.ports', isFile: true },
    ...TIMEOUT,
    ...LINGER,
    ...RANGE_AND_SHARD,
    quiet: { type: 'boolean' },
  },
  program: {},
} satisfies Syntax<string>

const MAX_LABEL_LENGTH = 200

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const { program } = given
  const names = given.values('name')
  const table = parseCount(given)
  const named = names.length > 0 || table.length === 0 ? variablesFor(names) : []
  const variables = [...named, ...table]
  const prefer = given
    .values('prefer')
    .map((text) => parsePortList(text, 'portslice run --prefer 3000,3001 -- COMMAND …'))
  rejectDuplicates(prefer)
  if (prefer.length > variables.length) {
    throw usageError(
      `The option --prefer is given ${prefer.length} times for ${pluralize(variables.length, 'port')}.`,
      'Give it once for each port, in the order of --name, and then those of --count. Several choices for one port are a list: --prefer 3000,3001',
    )
  }
  const { options, env } = parseRangeAndShard(given)
  const timeout = parseSecondsOption(given, 'timeout')
  const lingerMs = parseLinger(given)
  const signals = new SignalForwarder()
  const label = program.join(' ').slice(0, MAX_LABEL_LENGTH)
  const { leases, ports } = await leasePorts({ variables, prefer, label, options, timeout })
  if (process.stderr.isTTY && !given.has('quiet')) printUrls(ports, leases[0]?.host)
  const envFile = given.value('write-env') ?? given.value('env-file')
  return runWithPorts({ ports, leases, program, env, envFile, lingerMs, signals })
}
