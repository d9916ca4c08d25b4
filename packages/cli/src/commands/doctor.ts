import { readArguments, type Syntax } from '../command-line/arguments.js'
import { RANGE_AND_SHARD, RANGE_AND_SHARD_HELP, rangeAndShardOf } from '../command-line/settings.js'
import type { Finding } from '../doctor/finding.js'
import { foreignFinding, leftBehindFinding } from '../doctor/foreign.js'
import { lockDirectoryFinding } from '../doctor/lock-directory.js'
import { doctorDocument, doctorText, isHealthy } from '../doctor/report.js'
import { settingsFindings } from '../doctor/settings.js'
import { slicesFindings } from '../doctor/slices.js'
import { jsonText } from '../list/json.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/width.js'

export const help = `portslice doctor: what portslice finds on this machine, and what to do about it

  portslice doctor
  portslice doctor --json | jq '.findings[] | select(.level == "problem")'

Options
  --json    as JSON; docs/command.md has the schema
${RANGE_AND_SHARD_HELP}

The exit status is 1 when the promise cannot be kept: no port that a run is given is anybody else's.
`

const SYNTAX: Syntax<'json' | 'range' | 'shard'> = {
  command: 'doctor',
  options: { json: { type: 'boolean' }, ...RANGE_AND_SHARD },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { settings, findings } = settingsFindings(rangeAndShardOf(given).options)
  const lockDirectory = lockDirectoryFinding()
  const all: Finding[] = [
    ...findings,
    lockDirectory,
    ...(settings ? [...(await slicesFindings(settings)), await foreignFinding(settings)] : []),
    // One that must not be used is not looked into either.
    ...(lockDirectory.level === 'problem' ? [] : await leftBehindFinding()),
  ]
  const { stdout } = process
  stdout.write(
    given.has('json')
      ? jsonText(doctorDocument(all))
      : doctorText(all, coloursFor(stdout), lineLimitOf(stdout)),
  )
  return isHealthy(all) ? 0 : 1
}
