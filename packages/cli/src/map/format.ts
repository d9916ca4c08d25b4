/** The picture in words: who a slice is, and what it all adds up to. */
import { formatRanges } from '@portslice/core/internal/inspect'
import { claimantText, holderText } from '../list/holder.js'
import { sanitize } from '../terminal/format.js'
import type { Picture, SlicePicture } from './picture.js'

/** Who listens on a port, such as `postgres, pid 812`; where that can be known. */
export type OwnerNames = ReadonlyMap<number, string>

export function describe(
  { status, ports, first, claims }: SlicePicture,
  owners: OwnerNames,
): string {
  const strangers = ports.flatMap((state, offset) => {
    const port = first + offset
    return state === 'foreign' ? [`${port} ${owners.get(port) ?? 'another program'}`] : []
  })
  const isHeld = status?.state === 'held'
  const who =
    status?.holder || isHeld
      ? `${holderText(status.holder)}${isHeld ? '' : ', has ended'}`
      : undefined
  const claimed = claims.map((claim) => `${claim.port} claimed by ${claimantText(claim)}`)
  return sanitize([who, ...claimed, ...strangers].filter(Boolean).join('; '))
}

export function countOf({ ranges, slices }: Picture): string {
  const held = slices.filter(({ status }) => status?.state === 'held').length
  const claims = slices.flatMap((slice) => slice.claims)
  const out = slices.flatMap(({ first, ports }) =>
    ports.filter(
      (state, offset) =>
        (state === 'held' || state === 'listening') &&
        !claims.some(({ port }) => port === first + offset),
    ),
  ).length
  return `${formatRanges(ranges)}: ${counted(slices.length, 'slice')} of 32 ports, ${held} held, ${counted(out, 'port')} out${claims.length > 0 ? `, ${claims.length} claimed` : ''}.`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
