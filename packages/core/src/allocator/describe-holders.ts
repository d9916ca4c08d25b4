import type { RemoteHost } from '../claim/remote-host.js'
import type { ResolvedOptions } from '../options/resolve.js'
import { formatCounts, formatHolder } from '../slice/format-holder.js'
import type { LeasedSlice } from '../slice/leased-slice.js'
import { listSlices, type PortStatus, type SliceStatus } from '../slice/list-slices.js'

/** Describes the holder of each slice of the range, one line each. */
export async function describeHolders(
  options: ResolvedOptions,
  remote: RemoteHost | undefined,
  own: readonly LeasedSlice[],
): Promise<string[]> {
  const allowed = new Set(options.slices)
  const slicesInUse = await (remote?.listSlices() ?? listSlices(options.lockDirectory)).catch(
    () => [],
  )
  const described = new Map<number, string>()
  for (const status of slicesInUse) {
    if (allowed.has(status.first)) described.set(status.first, describeStatus(status))
  }
  for (const slice of own) {
    described.set(slice.first, describe(slice, 'this process', slice.counts))
  }
  return [...described].sort(([a], [b]) => a - b).map(([, text]) => text)
}

function describeStatus(status: SliceStatus): string {
  const counts = { out: 0, leaked: 0, quarantined: 0 }
  for (const { state } of status.ports) counts[state]++
  const holder = formatHolder(status.holder)
  const who = status.state === 'held' ? holder : `its holder has died: ${holder}`
  return describe(status, status.unverified ? `${who}, in another container` : who, counts)
}

function describe(
  { first, last }: { first: number; last: number },
  holder: string,
  counts: Readonly<Record<PortStatus['state'], number>>,
): string {
  return `  ${first}-${last}: ${holder}, ${formatCounts(counts)}`
}
