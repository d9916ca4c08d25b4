import { writeFileSync } from 'node:fs'
import {
  inspect,
  listClaims,
  listeningPorts,
  listSlices,
  PortsliceError,
  resolveOptions,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { RANGE_AND_SHARD, RANGE_AND_SHARD_HELP, rangeAndShardOf } from '../command-line/settings.js'
import { foreignOwners } from '../map/owners.js'
import { pictureOf } from '../map/picture.js'
import { mapText } from '../map/text.js'
import { coloursFor } from '../terminal/colours.js'
import { columnsOf } from '../terminal/width.js'

export const help = `portslice map: the range of ports as a picture

  portslice map                         as wide as the terminal
  portslice map --range 20000-29999
  portslice map --svg ports.svg         the same picture as SVG; '-' prints it

Options
  --svg FILE           writes SVG instead, for light and dark, without anything from elsewhere
${RANGE_AND_SHARD_HELP}

One sign is a slice of 32 ports; below, slices that are in use, port by port. 'foreign' is what
programs listen on that never asked portslice: such ports are skipped.
`

const SYNTAX: Syntax<'svg' | 'range' | 'shard'> = {
  command: 'map',
  options: { svg: { type: 'string', example: 'ports.svg' }, ...RANGE_AND_SHARD },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { ranges, slices } = resolveOptions(rangeAndShardOf(given).options)
  const [statuses, claims, listening] = await Promise.all([
    listSlices(),
    listClaims(),
    listeningPorts(),
  ])
  const ascending = [...slices].sort((a, b) => a - b)
  const picture = pictureOf(ranges, ascending, statuses, claims, listening ?? new Set())
  const owners = await foreignOwners(picture)
  const { stdout } = process
  const file = given.value('svg')
  if (file === undefined) {
    const colours = coloursFor(stdout)
    stdout.write(mapText(picture, { colours, columns: columnsOf(stdout), owners }))
    return 0
  }
  const { mapSvg } = await import('../map/svg.js')
  const svg = mapSvg(picture, owners)
  if (file === '-') stdout.write(svg)
  else write(file, svg)
  return 0
}

function write(file: string, svg: string): void {
  try {
    writeFileSync(file, svg)
  } catch (cause) {
    throw new PortsliceError(
      'ERR_PORTSLICE_FILE',
      `The picture cannot be written to ${inspect(file)} (${(cause as Error).message}).`,
      { value: file, advice: 'Name a file in a folder that you may write to.', cause },
    )
  }
}
