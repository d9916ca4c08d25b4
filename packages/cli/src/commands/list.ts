import {
  type ClaimStatus,
  listClaims,
  listSlices,
  lockDirectoryFor,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import { withoutClaimed } from '../list/claimed.js'
import { listJson } from '../list/json.js'
import { type ListedSlice, withOwners } from '../list/owner.js'
import { listTable } from '../list/table.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/width.js'

export const help = `portslice list: the slices that are held, and the ports that are out

  portslice list                        who has which ports, and for what
  portslice list --watch                the same, drawn anew every second; Ctrl-C ends it
  portslice list --json | jq '.slices[].ports[].port'

Options
  --json    as JSON; docs/command.md has the schema
  --watch   on a terminal only

A slice is 32 ports that one process has leased. A port is 'out' (handed out, nothing listens
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
    if (process.env.TERM === 'dumb') {
      throw usageError(
        'The option --watch draws in one place, which this terminal cannot ($TERM is "dumb").',
        "Leave it out, and run 'portslice list' as often as you need it.",
      )
    }
    const { watch } = await import('../list/watch.js')
    await watch(stdout, async () => tableOf(await listed()))
    return 0
  }
  const { slices, claims } = await listed()
  stdout.write(
    given.has('json')
      ? listJson({ lockDirectory: lockDirectoryFor(undefined) ?? null, slices, claims })
      : tableOf({ slices, claims }),
  )
  return 0
}

interface Listed {
  slices: readonly ListedSlice[]
  claims: readonly ClaimStatus[]
}

async function listed(): Promise<Listed> {
  const [slices, claims] = await Promise.all([listSlices(), listClaims()])
  return { slices: await withOwners(withoutClaimed(slices, claims)), claims }
}

function tableOf({ slices, claims }: Listed): string {
  const { stdout } = process
  return listTable(slices, claims, {
    colours: coloursFor(stdout),
    now: Date.now(),
    columns: lineLimitOf(stdout),
  })
}
