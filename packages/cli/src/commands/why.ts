import { portHistory, resolveLockDirectory } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { parsePort } from '../command-line/ports.js'
import {
  parseRangeAndShard,
  RANGE_AND_SHARD,
  RANGE_AND_SHARD_HELP,
} from '../command-line/range-and-shard.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/columns.js'
import { formatJson } from '../terminal/format-json.js'
import { formatHistory } from '../why/format-history.js'

export const help = `portslice why: shows who has a port, who had it and when, and why it is not handed out

  portslice why 20003
  portslice why 20003 --json | jq '.uses[] | [.since, .until, .label]'

Options
  --json               prints JSON; docs/json.md has the schema
${RANGE_AND_SHARD_HELP}

The history comes from the journals of the slice: who took the port, with label and test, and how the
use ended. They keep several hundred uses for each slice of 32 ports, until 'portslice clean' removes
them. With $PORTSLICE_HOST and $PORTSLICE_COORDINATOR, the database has the last 50 events of a port.
`

export const syntax: Syntax<'json' | 'range' | 'shard'> = {
  command: 'why',
  options: { json: { type: 'boolean' }, ...RANGE_AND_SHARD },
  argument: { name: 'PORT', example: '20003' },
}

/** The schema in docs/json.md. Scripts rely on it: only add fields. */
const WHY_VERSION = 1

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const port = parsePort(given.operands[0] as string, 'portslice why 20003')
  const { range } = parseRangeAndShard(given).options
  const history = await portHistory(port, { ...(range && { range }) })
  const { stdout } = process
  const isRemote = history.host !== undefined
  const lockDirectory = isRemote ? null : (resolveLockDirectory(undefined) ?? null)
  stdout.write(
    given.has('json')
      ? formatJson({ version: WHY_VERSION, lockDirectory, ...history })
      : formatHistory(history, {
          colours: coloursFor(stdout),
          columns: lineLimitOf(stdout),
          now: Date.now(),
        }),
  )
  return 0
}
