/** For whom a run waits that finds no port: for people. */
import {
  type AllocatorOptions,
  formatRanges,
  formatShard,
  listClaims,
  listSlices,
  resolveOptions,
} from '@portslice/core/internal/inspect'
import { holdersText } from '../list/holder.js'
import { withOwners } from '../list/owner.js'

/** Holders that are named; the rest are counted. */
const MAX_NAMED_HOLDERS = 4

/** A sentence without its end. */
export async function obstaclesTo(options: AllocatorOptions): Promise<string> {
  const { ranges, shard, slices } = resolveOptions(options)
  const mine = new Set(slices)
  const held = (await listSlices()).filter(
    ({ first, state }) => state === 'held' && mine.has(first),
  )
  const where = `${formatRanges(ranges)}${shard?.isStrict ? `, shard ${formatShard(shard)}` : ''}`
  const rest =
    'other programs use them, or they are left alone for 30 s after a crash, or another container has them'
  if (held.length === 0) return `no port of ${where} is free: ${rest}`
  const names = holdersText(await withOwners(held), await listClaims(), MAX_NAMED_HOLDERS)
  return held.length === slices.length
    ? `all slices of ${where} are held: ${names}`
    : `no port of ${where} is free; held are the slices ${names}; of the others, ${rest}`
}
