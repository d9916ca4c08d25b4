import { ownersOfAll, type PortOwner, type SliceStatus } from '@portslice/core/internal/inspect'

export interface ListedSlice extends SliceStatus {
  /** The process that has the sentinel bound, if the journal is in another lock directory. */
  owner?: PortOwner
}

/** Adds the owner to slices whose journals are in another lock directory. */
export async function addSliceOwners(slices: readonly SliceStatus[]): Promise<ListedSlice[]> {
  const isUnknown = ({ state, holder }: SliceStatus) => state === 'held' && !holder
  const sentinels = slices.filter(isUnknown).map(({ last }) => last)
  if (sentinels.length === 0) return [...slices]
  const owners = await ownersOfAll(sentinels)
  return slices.map((slice) => {
    const [owner] = isUnknown(slice) ? (owners.get(slice.last) ?? []) : []
    return owner ? { ...slice, owner } : slice
  })
}
