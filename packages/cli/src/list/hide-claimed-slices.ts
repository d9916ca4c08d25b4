import type { ClaimStatus, SliceStatus } from '@portslice/core/internal/inspect'

/** The claim of the sentinel, which makes a slice without a holder look held. */
export function claimOfSentinel(
  { last, state, holder }: SliceStatus,
  claims: readonly ClaimStatus[],
): ClaimStatus | undefined {
  if (state !== 'held' || holder) return undefined
  return claims.find(({ port }) => port === last)
}

/** Removes slices that look held only because their sentinel is claimed. Claims are listed separately. */
export function hideClaimedSlices(
  slices: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
): SliceStatus[] {
  return slices.flatMap((slice) => {
    if (!claimOfSentinel(slice, claims)) return [slice]
    // A dead holder may have left quarantined or leaked ports.
    return slice.ports.length === 0 ? [] : [{ ...slice, state: 'abandoned' as const }]
  })
}
