import { removeLeftovers } from '@portslice/core/internal/inspect'
import { pluralize } from '../terminal/format.js'
import { type Finding, ok } from './finding.js'

export async function leftoversFinding(): Promise<Finding | undefined> {
  const left = (await removeLeftovers({ dryRun: true })).filter(({ kept }) => kept === undefined)
  if (left.length === 0) return undefined
  return ok(
    'left-behind',
    `Ended processes left files of ${pluralize(left.length, 'slice')}. They do no harm; 'portslice clean' removes them.`,
  )
}
