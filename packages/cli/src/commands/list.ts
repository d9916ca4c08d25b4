import { listSlices, lockDirectoryFor } from '@portslice/core/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import { listJson } from '../list/json.js'
import { listTable } from '../list/table.js'
import { coloursFor } from '../terminal/colours.js'
import { columnsOf } from '../terminal/width.js'

export const help = `portslice list: the slices that are held, and the ports that are out

  portslice list                        who has which ports, and for what
  portslice list --watch                the same, drawn anew every second; Ctrl-C ends it
  portslice list --json | jq '.slices[].ports[].port'

Options
  --json    as JSON; docs/command.md has the schema
  --watch   on a terminal only

A slice is 32 ports that one process has leased. Its ports are 'out' (handed out, nothing listens
yet), 'listening', 'leaked' (given back while something listens still) or 'quarantined' (its
holder died; left alone for 30 s).
`

const SYNTAX: Syntax<'json' | 'watch'> = {
  command: 'list',
  options: { json: { type: 'boolean' }, watch: { type: 'boolean' } },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { stdout } = process
  if (given.has('watch')) {
    if (given.has('json') || !stdout.isTTY) {
      throw usageError(
        'The option --watch draws on a terminal, and there is none to draw on.',
        "Leave it out; in a script, run 'portslice list --json' as often as you need it.",
      )
    }
    const { watch } = await import('../list/watch.js')
    await watch(stdout, () => table())
    return 0
  }
  stdout.write(
    given.has('json') ? listJson(lockDirectoryFor(undefined), await listSlices()) : await table(),
  )
  return 0
}

async function table(): Promise<string> {
  const { stdout } = process
  return listTable(await listSlices(), {
    colours: coloursFor(stdout),
    now: Date.now(),
    ...((stdout.isTTY || process.env.COLUMNS) && { columns: columnsOf(stdout) }),
  })
}
