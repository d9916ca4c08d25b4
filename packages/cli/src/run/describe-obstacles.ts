import {
  type AllocatorOptions,
  formatRanges,
  formatShard,
  listClaims,
  listSlices,
  resolveOptions,
} from '@portslice/core/internal/inspect'
import { addSliceOwners } from '../list/add-slice-owners.js'
import { formatHolders } from '../list/format-holder.js'

const MAX_NAMED_HOLDERS = 4

/** Describes which processes hold the slices that a run waits for. The text has no full stop at the end. */
export async function describeObstacles(options: AllocatorOptions): Promise<string> {
  const { ranges, shard, slices } = resolveOptions(options)
  const mine = new Set(slices)
  const held = (await listSlices()).filter(
    ({ first, state }) => state === 'held' && mine.has(first),
  )
  const where = `${formatRanges(ranges)}${shard?.isStrict ? `, shard ${formatShard(shard)}` : ''}`
  const rest =
    'other programs use them, they are quarantined for 30 s after a crash, or another container has them'
  if (held.length === 0) return `no port of ${where} is free: ${rest}`
  const names = formatHolders(await addSliceOwners(held), await listClaims(), MAX_NAMED_HOLDERS)
  return held.length === mine.size
    ? `all slices of ${where} are held: ${names}`
    : `no port of ${where} is free; these slices are held: ${names}; of the others, ${rest}`
}
