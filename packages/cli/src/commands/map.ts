import { writeFileSync } from 'node:fs'
import { inspect, PortsliceError, resolveOptions } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import {
  parseRangeAndShard,
  RANGE_AND_SHARD,
  RANGE_AND_SHARD_HELP,
} from '../command-line/range-and-shard.js'
import { findOwnerNames, foreignPorts } from '../map/foreign-ports.js'
import { readRangeSnapshot } from '../map/range-snapshot.js'
import { mapText } from '../map/text.js'
import { coloursFor } from '../terminal/colours.js'
import { columnsOf } from '../terminal/columns.js'

export const help = `portslice map: draws the range of ports

  portslice map                         as wide as the terminal
  portslice map --range 20000-29999
  portslice map --svg ports.svg         the same picture as SVG; '-' prints it

Options
  --svg FILE           writes an SVG file that needs no other files, for light and dark themes
${RANGE_AND_SHARD_HELP}

Each character of the overview is a slice of 32 ports. Below it, the slices in use are drawn port by
port. A program that does not use portslice listens on a 'foreign' port; such ports are skipped.
`

export const syntax: Syntax<'svg' | 'range' | 'shard'> = {
  command: 'map',
  options: { svg: { type: 'string', example: 'ports.svg', isFile: true }, ...RANGE_AND_SHARD },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const { ranges, slices, remote } = resolveOptions(parseRangeAndShard(given).options)
  const { snapshot } = await readRangeSnapshot(ranges, [...slices], remote !== undefined)
  const owners = await findOwnerNames(foreignPorts(snapshot.slices))
  const { stdout } = process
  const file = given.value('svg')
  if (file === undefined) {
    const colours = coloursFor(stdout)
    stdout.write(mapText(snapshot, { colours, columns: columnsOf(stdout), owners }))
    return 0
  }
  const { mapSvg } = await import('../map/svg.js')
  const svg = mapSvg(snapshot, owners)
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
      `The map cannot be written to ${inspect(file)} (${(cause as Error).message}).`,
      { value: file, advice: 'Name a file in a directory that you can write to.', cause },
    )
  }
}
