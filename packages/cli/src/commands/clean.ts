import {
  type Leftover,
  lockDirectoryFor,
  refuseMisspeltVariables,
  removeLeftovers,
} from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { coloursFor } from '../terminal/colours.js'
import { formatDuration } from '../terminal/duration.js'
import { pluralize, sanitize } from '../terminal/format.js'

export const help = `portslice clean: removes what dead processes left in the lock directory

  portslice clean --dry-run   prints what it would remove
  portslice clean

Options
  --dry-run   removes nothing

This is never necessary: the next process that leases a slice cleans it up. Files of live processes
stay, and so do the records of ports that are in quarantine or leaked.
`

export const syntax: Syntax<'dry-run'> = {
  command: 'clean',
  options: { 'dry-run': { type: 'boolean' } },
}

const REASONS: Record<NonNullable<Leftover['kept']>, string> = {
  held: 'held by a live process',
  quarantined: 'its ports are in quarantine',
  leaked: 'a process still listens on a leaked port',
  elsewhere:
    'its holder may be alive in another container or on another machine, or ended less than a day ago',
  locked: 'another process is taking it',
}

export async function run(args: string[]): Promise<number> {
  const dryRun = readArguments(syntax, args).has('dry-run')
  refuseMisspeltVariables(process.env)
  const found = await removeLeftovers({ dryRun })
  const { dim } = coloursFor(process.stdout)
  const lockDirectory = lockDirectoryFor(undefined)
  if (lockDirectory === undefined) {
    process.stdout.write(
      'Nothing to remove: portslice uses no files, because of PORTSLICE_LOCK_DIR=none.\n',
    )
    return 0
  }
  const directory = sanitize(lockDirectory)
  const removed = found.filter(({ kept }) => kept === undefined)
  const lines = found.map(({ first, last, files, kept, until }) => {
    if (kept === undefined) {
      return `${first}-${last}  ${dryRun ? 'would remove' : 'removed'} ${files.join(', ')}`
    }
    const left = until ? `, ${formatDuration(Date.parse(until) - Date.now())} left` : ''
    return dim(`${first}-${last}  left alone: ${REASONS[kept]}${left}`)
  })
  lines.push(
    removed.length === 0
      ? `Nothing to remove in ${directory}.`
      : `${dryRun ? 'Would remove' : 'Removed'} the files of ${pluralize(removed.length, 'slice')} in ${directory}.`,
  )
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  return 0
}
