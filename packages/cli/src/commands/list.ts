import {
  type ClaimStatus,
  listClaims,
  listSlices,
  resolveLockDirectory,
  resolveRemote,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import { addSliceOwners, type ListedSlice } from '../list/add-slice-owners.js'
import { hideClaimedSlices } from '../list/hide-claimed-slices.js'
import { formatListJson } from '../list/list-document.js'
import { listTable } from '../list/table.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/columns.js'

export const help = `portslice list: shows which process has which ports

  portslice list                        a row for each slice, port and claim
  portslice list --watch                updates the table every second, until Ctrl-C
  portslice list --json | jq '.slices[].ports[].port'

Options
  --json    prints JSON; docs/json.md has the schema
  --watch   on a terminal only

A slice is 32 ports that one process has leased. A port is 'out' (handed out, no listener yet),
'listening', 'leaked' (released while a process still listens) or 'quarantined' (its holder died;
not handed out for 30 s).
`

export const syntax: Syntax<'json' | 'watch'> = {
  command: 'list',
  options: { json: { type: 'boolean' }, watch: { type: 'boolean' } },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const { stdout } = process
  if (given.has('watch')) {
    if (given.has('json') || !stdout.isTTY) {
      throw usageError(
        'The option --watch needs a terminal, and stdout is not a terminal.',
        "Leave it out; in a script, run 'portslice list --json' as often as you need it.",
      )
    }
    if (process.env.TERM === 'dumb') {
      throw usageError(
        'The option --watch needs a terminal that can move its cursor ($TERM is "dumb").',
        "Leave it out, and run 'portslice list' as often as you need it.",
      )
    }
    const { watch } = await import('../list/watch.js')
    await watch(stdout, async () => formatTables(await readTables()))
    return 0
  }
  const { slices, claims } = await readTables()
  stdout.write(
    given.has('json')
      ? formatListJson({ ...slicesLocation(), slices, claims })
      : formatTables({ slices, claims }, await hasLinks(stdout)),
  )
  return 0
}

function slicesLocation(): { lockDirectory: string | null; host?: string } {
  const remote = resolveRemote({})
  if (remote) return { lockDirectory: null, host: remote.host }
  return { lockDirectory: resolveLockDirectory(undefined) ?? null }
}

interface Tables {
  slices: readonly ListedSlice[]
  claims: readonly ClaimStatus[]
}

async function readTables(): Promise<Tables> {
  const [slices, claims] = await Promise.all([listSlices(), listClaims()])
  return { slices: await addSliceOwners(hideClaimedSlices(slices, claims)), claims }
}

/** The library is loaded for terminals only. */
async function hasLinks(stream: NodeJS.WriteStream): Promise<boolean> {
  if (!stream.isTTY) return false
  const { createSupportsHyperlinks } = await import('supports-hyperlinks')
  return createSupportsHyperlinks(stream)
}

function formatTables({ slices, claims }: Tables, hasLinks = false): string {
  const { stdout } = process
  return listTable(slices, claims, {
    hasLinks,
    colours: coloursFor(stdout),
    now: Date.now(),
    columns: lineLimitOf(stdout),
    host: resolveRemote({})?.host,
  })
}
