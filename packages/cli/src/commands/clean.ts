import { type Leftover, lockDirectoryFor, removeLeftovers } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { coloursFor } from '../terminal/colours.js'
import { duration } from '../terminal/duration.js'
import { sanitize } from '../terminal/format.js'

export const help = `portslice clean: removes what dead processes left in the lock directory

  portslice clean --dry-run   only tells what it would remove
  portslice clean

Options
  --dry-run   removes nothing

Never needed: the next process that leases a slice removes what the last one left. Nothing of a
live process is touched, nor the records of ports that are in quarantine or leaked.
`

const SYNTAX: Syntax<'dry-run'> = {
  command: 'clean',
  options: { 'dry-run': { type: 'boolean' } },
}

const REASONS: Record<NonNullable<Leftover['kept']>, string> = {
  held: 'held by a live process',
  quarantined: 'its ports are in quarantine',
  leaked: 'something still listens on a port that leaked',
  elsewhere:
    'its holder may live in another container or on another machine, or died less than a day ago',
  locked: 'another process is about to hold it',
}

export async function run(args: string[]): Promise<number> {
  const dryRun = readArguments(SYNTAX, args).has('dry-run')
  const found = await removeLeftovers({ dryRun })
  const { dim } = coloursFor(process.stdout)
  const lockDirectory = lockDirectoryFor(undefined)
  if (lockDirectory === undefined) {
    process.stdout.write('Nothing to remove: $PORTSLICE_LOCK_DIR is none, so there are no files.\n')
    return 0
  }
  const folder = sanitize(lockDirectory)
  const removed = found.filter(({ kept }) => kept === undefined)
  const lines = found.map(({ first, last, files, kept, until }) => {
    if (kept === undefined) {
      return `${first}-${last}  ${dryRun ? 'would remove' : 'removed'} ${files.join(', ')}`
    }
    const left = until ? `, ${duration(Date.parse(until) - Date.now())} left` : ''
    return dim(`${first}-${last}  left alone: ${REASONS[kept]}${left}`)
  })
  lines.push(
    removed.length === 0
      ? `Nothing to remove in ${folder}.`
      : `${dryRun ? 'Would remove' : 'Removed'} what was left of ${removed.length} ${removed.length === 1 ? 'slice' : 'slices'} in ${folder}.`,
  )
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  return 0
}
