import { formatRanges } from '@portslice/core/internal/inspect'
import { formatClaimant, formatHolder } from '../list/format-holder.js'
import { pluralize, sanitize } from '../terminal/format.js'
import type { OwnerNames } from './foreign-ports.js'
import type { RangeSnapshot, SliceSnapshot } from './range-snapshot.js'

export function describeSlice(
  { status, ports, first, claims }: SliceSnapshot,
  owners: OwnerNames,
): string {
  const foreign = ports.flatMap((state, offset) => {
    const port = first + offset
    return state === 'foreign' ? [`${port} ${owners.get(port) ?? 'another program'}`] : []
  })
  const isHeld = status?.state === 'held'
  const who =
    status?.holder || isHeld
      ? `${formatHolder(status.holder)}${isHeld ? '' : ', has ended'}`
      : undefined
  const claimed = claims.map((claim) => `${claim.port} claimed by ${formatClaimant(claim)}`)
  return sanitize([who, ...claimed, ...foreign].filter(Boolean).join('; '))
}

export function summarize({ ranges, slices }: RangeSnapshot): string {
  const held = slices.filter(({ status }) => status?.state === 'held').length
  const claims = slices.flatMap((slice) => slice.claims)
  const out = slices.flatMap(({ first, ports }) =>
    ports.filter(
      (state, offset) =>
        (state === 'held' || state === 'listening') &&
        !claims.some(({ port }) => port === first + offset),
    ),
  ).length
  return `${formatRanges(ranges)}: ${pluralize(slices.length, 'slice')} of 32 ports, ${held} held, ${pluralize(out, 'port')} out${claims.length > 0 ? `, ${claims.length} claimed` : ''}.`
}
