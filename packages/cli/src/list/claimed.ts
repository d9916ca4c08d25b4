/** Slices without a holder that look held, because their last port is claimed. */
import type { ClaimStatus, SliceStatus } from '@portslice/core/internal/inspect'

/** The claim that keeps a slice from being leased, if it is one that does. */
export function claimOn(
  { last, state, holder }: SliceStatus,
  claims: readonly ClaimStatus[],
): ClaimStatus | undefined {
  if (state !== 'held' || holder) return undefined
  return claims.find(({ port }) => port === last)
}

/** The slices as they are without the claims, which are shown by themselves. */
export function withoutClaimed(
  slices: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
): SliceStatus[] {
  return slices.flatMap((slice) => {
    if (!claimOn(slice, claims)) return [slice]
    // What a dead holder has left is there all the same.
    return slice.ports.length === 0 ? [] : [{ ...slice, state: 'abandoned' as const }]
  })
}
